import xmlrpc.client

from markupsafe import Markup

from odoo import api, models
from odoo.exceptions import AccessError

from .mail_passage import Passage
from .mail_reader import MailReader, clean


def _clean_value(value):
    if isinstance(value, Markup):
        # It stays markup, or it would be shown with its tags.
        return Markup(clean(value))  # noqa: S704 the message sanitizes it
    return clean(value) if isinstance(value, str) else value


class MailThread(models.AbstractModel):
    """Odoo's mail gateway, for what is addressed to the registers: each override first asks whether it is.

    What is theirs keeps its original and its key before anything else is done with it; routing, loop limit
    and bounces stay Odoo's.
    """

    _inherit = 'mail.thread'

    def _qualiopi_passage(self):
        """The passage of a mail of ours that is being processed, or None."""
        passage = self.env.context.get('qualiopi_passage')
        return passage if isinstance(passage, Passage) else None

    @api.model
    def message_process(self, model, message, custom_values=None, save_original=False, strip_attachments=False,
                        thread_id=None):
        raw = bytes(message.data) if isinstance(message, xmlrpc.client.Binary) else message
        raw = raw.encode('utf-8', 'surrogateescape') if isinstance(raw, str) else bytes(raw)
        mail = MailReader(raw)
        incoming = self.env['qualiopi.incoming.mail']
        target = incoming._target_of(mail, model, thread_id, custom_values)
        if not target:
            return super().message_process(
                model, message, custom_values=custom_values, save_original=save_original,
                strip_attachments=strip_attachments, thread_id=thread_id,
            )

        if not self.env.su and self.env.user.share:
            # A remote call of a portal user or visitor is no gateway: it would choose the sender at will.
            raise AccessError(self.env._("Only the mail gateway hands in e-mails."))

        def process(passage):
            return super(MailThread, self.with_context(qualiopi_passage=passage)).message_process(
                # Odoo's own number for a message without one is the clock's: two of an instant would be one.
                model, mail.with_number(), custom_values=custom_values, thread_id=thread_id,
                # The original is kept by us, once.
                save_original=save_original and target.has_others, strip_attachments=strip_attachments,
            )
        return incoming._process(mail, target, process)

    @api.model
    def message_route(self, message, message_dict, model=None, thread_id=None, custom_values=None):
        passage = self._qualiopi_passage()
        if passage:
            passage.is_routed = True
        routes = super().message_route(message, message_dict, model, thread_id, custom_values)
        return passage.own_routes(self.env, routes) if passage else routes

    @api.model
    def _routing_check_route(self, message, message_dict, route, raise_exception=True):
        checked = super()._routing_check_route(message, message_dict, route, raise_exception=raise_exception)
        passage = self._qualiopi_passage()
        if passage and not checked and route[4] and passage.is_ours(self.env, route[0]):
            passage.outcome = ('held', 'refused')
        return checked

    @api.model
    def _detect_loop_headers(self, msg_dict):
        is_loop = super()._detect_loop_headers(msg_dict)
        passage = self._qualiopi_passage()
        if passage and is_loop:
            passage.outcome = ('automatic', 'own')
        return is_loop

    @api.model
    def _detect_loop_sender(self, message, message_dict, routes):
        is_loop = super()._detect_loop_sender(message, message_dict, routes)
        passage = self._qualiopi_passage()
        if passage and is_loop:
            passage.outcome = ('held', 'loop')
        return is_loop

    def _routing_create_bounce_email(self, email_from, body_html, message, **mail_values):
        passage = self._qualiopi_passage()
        # One refusal a day tells a sender enough: the address may be forged, and a robot would answer it.
        if passage and not self.env['qualiopi.hit']._allow('bounce', passage.mail.sender[1], 1, 24):
            return None
        return super()._routing_create_bounce_email(email_from, body_html, message, **mail_values)

    @api.model
    def _message_route_process(self, message, message_dict, routes):
        passage = self._qualiopi_passage()
        if not passage:
            return super()._message_route_process(message, message_dict, routes)
        ours = [route for route in routes or () if passage.is_ours(self.env, route[0])]
        others = [route for route in routes or () if route not in ours]
        result = False
        for route in ours:
            values = {name: _clean_value(value) for name, value in message_dict.items()}
            values.update(self._qualiopi_author(values), partner_ids=[])
            result = super()._message_route_process(message, values, [route])
        if others:
            result = super()._message_route_process(message, message_dict, others)
        return result

    def _qualiopi_author(self, values):
        """A sender's address is easily forged: a mail never speaks as somebody who works here
        (quality.md, C4)."""
        # sudo: whether the address is an employee's
        author = self.env['res.partner'].sudo().browse(values.get('author_id') or [])
        if author.with_context(active_test=False).user_ids.filtered(lambda user: not user.share):
            author = author.browse()
        return {'author_id': author.id or False, 'email_from': values.get('email_from') or ''}

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        result = super()._routing_handle_bounce(email_message, message_dict)
        message = message_dict.get('bounced_message')
        if message and message.model == 'qualiopi.feedback.invite':
            # sudo: the gateway acts for nobody
            self.env['qualiopi.feedback.invite'].sudo().browse(message.res_id).exists()._message_bounced()
        return result
