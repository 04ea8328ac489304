from odoo.http import Controller, request, route


class SaidAndDoneController(Controller):
    """What people said of a course and what was done about it, for everybody."""

    @route('/qualiopi/said-and-done/<string:token>', type='http', auth='public', methods=['GET'], website=True,
           sitemap=False, readonly=True)
    def said_and_done(self, token, **_kwargs):
        """The released texts of one course, and nothing else of it than its name.

        :param str token: what the public link holds
        :return: 404 when the link is not ours or the course is archived
        """
        course_sudo = request.env['qualiopi.course']._from_door_token(token)
        if not course_sudo:
            raise request.not_found()
        publications = course_sudo._said_and_done()
        response = request.render('qualiopi.said_done_page', {
            'html_lang': request.env.lang.replace('_', '-'),
            'res_company': course_sudo.company_id,
            'company_name': course_sudo.company_id.name,
            'course_name': course_sudo.name,
            'entries': [
                {'said': publication.text_said, 'done': publication.text_done, 'date': publication.released_on}
                for publication in publications
            ],
        })
        response.headers['X-Content-Type-Options'] = 'nosniff'
        response.headers['Cache-Control'] = 'private, no-cache'
        return response
