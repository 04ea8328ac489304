from odoo.exceptions import UserError


class GateError(UserError):
    """A refusal that offers to fill in what is missing.

    The web client shows the message with a button that opens ``action``
    (see static/src/gate_error.js); by RPC it is a UserError like any other.
    """

    def __init__(self, message, action=None, button=None):
        """
        :param str message: what is missing, in the user's language
        :param dict action: the act_window that lets the user complete it
        :param str button: label of the button that opens it
        """
        super().__init__(message)
        if action:
            self.args = (message, action, button, None)

    def __str__(self):
        return self.args[0]
