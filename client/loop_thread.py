"""An event loop on a thread of its own, on which blocking callers run coroutines."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from collections.abc import Coroutine
from threading import Lock, Thread
from typing import Any, TypeVar

from client.errors import Closed

Result = TypeVar("Result")


class LoopThread:
    """Thread-safe. The thread is a daemon: it does not keep the process from ending."""

    def __init__(self) -> None:
        self._process_id = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._lock = Lock()
        self._closed = False
        self._thread = Thread(target=self._loop.run_forever, name="fraud-detector", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Wait for the coroutine's result, and raise what it raises.

        Raises Closed after `close`, also in calls that still wait then, and in a fork of the process.
        """
        future = self._submitted(coroutine)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise Closed("the detector was closed during the call; make a new one") from None
        except BaseException:  # Ctrl-C, for example: nobody waits for the call any more
            future.cancel()
            raise

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Cancel the coroutines that still run, run the last one, and end the thread; nothing the second time."""
        with self._lock:
            if self._closed or os.getpid() != self._process_id:
                last.close()
                return
            self._closed = True
        try:
            asyncio.run_coroutine_threadsafe(_after_cancelling(last), self._loop).result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _submitted(self, coroutine: Coroutine[Any, Any, Result]) -> concurrent.futures.Future[Result]:
        with self._lock:
            if not self._closed and os.getpid() == self._process_id:
                return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        coroutine.close()
        raise Closed("the detector is closed, or was made before a fork; make a new one in this process")


async def _after_cancelling(last: Coroutine[Any, Any, None]) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await last
