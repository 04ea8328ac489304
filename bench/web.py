"""The calls of the web client, for the benchmarks: through Odoo's own WSGI application, without a network."""


class Web:
    """Somebody who is signed in."""

    def __init__(self, database, login, password):
        from werkzeug.test import Client  # noqa: PLC0415

        from odoo.http import root  # noqa: PLC0415

        self._client = Client(root)
        self._post('/web/session/authenticate', {'db': database, 'login': login, 'password': password})

    def call(self, model, method, *args, **kwargs):
        """Call a method as the web client does.

        :return: its result
        :raise RuntimeError: when it is refused
        """
        return self._post(f'/web/dataset/call_kw/{model}/{method}', {
            'model': model, 'method': method, 'args': args, 'kwargs': kwargs,
        })

    def _post(self, url, params):
        answer = self._client.post(
            url, json={'jsonrpc': '2.0', 'method': 'call', 'params': params}, environ_base={'REMOTE_ADDR': '127.0.0.1'},
        ).json
        if 'error' in answer:
            raise RuntimeError(answer['error']['data']['debug'])
        return answer['result']
