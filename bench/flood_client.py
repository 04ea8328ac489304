"""A load client for dev/bench flood: some connections of the loopback that post forms as fast as they are answered."""
import http.client
import queue
import threading
import time
from collections import Counter
from urllib.parse import urlencode

_CONNECTIONS = 8


class Client:

    def __init__(self, port, url, claims=False, sources=False):
        """
        :param int port: of the server or its proxy
        :param str url: address of the form
        :param bool claims: whether each post claims in a header to come from an address of its own
        :param bool sources: whether each post really comes from an address of its own; the loopback has millions
        """
        self.port, self.url, self.claims, self.sources = port, url, claims, sources

    def _connect(self, number=None):
        source = (f'127.1.{number // 250}.{number % 250 + 1}', 0) if number is not None else None
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=60, source_address=source)

    def visit(self, path):
        """Seconds that a page takes.

        :raise RuntimeError: when it is not shown
        """
        connection = self._connect()
        start = time.perf_counter()
        connection.request('GET', path)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        return time.perf_counter() - start

    def post(self, forms):
        """Post all forms.

        :param list forms: values of the inputs
        :return: seconds, and number of answers by status; what broke off counts as 0
        :rtype: tuple[float, Counter]
        """
        waiting, answers = queue.SimpleQueue(), Counter()
        for item in enumerate(forms):
            waiting.put(item)
        results = [Counter() for __ in range(_CONNECTIONS)]
        threads = [threading.Thread(target=self._work, args=(waiting, result)) for result in results]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - start
        for result in results:
            answers.update(result)
        return seconds, answers

    def _work(self, waiting, result):
        connection = None
        while True:
            try:
                number, form = waiting.get_nowait()
            except queue.Empty:
                return
            headers = {'Content-Type': 'application/x-www-form-urlencoded'}
            if self.claims:
                headers['X-Forwarded-For'] = f'198.51.{number // 250}.{number % 250 + 1}'
            if connection is None or self.sources:
                connection = self._connect(number if self.sources else None)
            try:
                connection.request('POST', self.url, urlencode(form), headers)
                answer = connection.getresponse()
                answer.read()
                result[answer.status] += 1
            except (OSError, http.client.HTTPException):
                result[0] += 1
                connection = None
