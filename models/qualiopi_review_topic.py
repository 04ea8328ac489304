from odoo import api, fields, models


class QualiopiReviewTopic(models.Model):
    """A line of the agenda that new reviews begin with."""

    _name = 'qualiopi.review.topic'
    _description = "Review Topic"
    _inherit = ['qualiopi.list.mixin']

    figure = fields.Selection(
        selection='_selection_figure', string="Figures shown",
        help="Gathered from the registers when the review is opened, kept as they are when it is closed.",
    )
    guidance = fields.Text(translate=True, help="What is looked at, shown beside the topic.")

    @api.model
    def _selection_figure(self):
        return list({
            'previous_decisions': self.env._("Previous decisions"),
            'satisfaction': self.env._("Satisfaction by stakeholder"),
            'complaints': self.env._("Complaints, difficulties, unforeseen events"),
            'dropouts': self.env._("Dropouts"),
            'results': self.env._("Results"),
            'actions': self.env._("Actions and their effectiveness"),
            'findings': self.env._("Findings"),
            'risks': self.env._("Risks"),
            'accessibility': self.env._("Accessibility and disability"),
            'subcontracting': self.env._("Subcontracting"),
            'monitoring': self.env._("Monitoring"),
            'communication': self.env._("Communication"),
            'trainers': self.env._("Trainers"),
            'safeguarding': self.env._("Safeguarding, as counts only"),
            'audits': self.env._("Audits and gaps"),
            'procedures': self.env._("Procedures and nil statements"),
        }.items())
