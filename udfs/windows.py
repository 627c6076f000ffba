"""Exact sliding windows (t - width, t] over one user's recent transactions.

Everything is kept in time order, so that a window is two bisections away: counts are index differences, sums are
differences of prefix sums over integer minor units (no drift), the maximum comes from a descending list of peaks and
the distinct counts from sorted last-seen times. The last two answer only for "now", the user's newest transaction;
a late transaction counts the slice of its window one by one.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from itertools import accumulate
from operator import attrgetter

from udfs.entries import TransactionEntry
from udfs.sorted_times import first_after
from udfs.user_state_settings import WindowSettings
from udfs.window import Window

_time_of = attrgetter("timestamp_ms")


class Distinct:
    """How many different values were seen since a moment: each value's last time, and those times sorted."""

    __slots__ = ("last_seen", "times")

    def __init__(self) -> None:
        self.last_seen: dict[str, int] = {}
        self.times: list[int] = []

    def add(self, value: str | None, time_ms: int) -> None:
        if value is None:
            return
        times = self.times
        previous = self.last_seen.get(value)
        if previous is not None:
            if time_ms <= previous:
                return
            if previous == times[-1]:  # the usual case: the same device, country, ... as last time
                times[-1] = time_ms
                self.last_seen[value] = time_ms
                return
            del times[bisect_left(times, previous)]
        self.last_seen[value] = time_ms
        if not times or time_ms >= times[-1]:
            times.append(time_ms)
        else:
            insort(times, time_ms)

    def since(self, start_ms: int) -> int:
        """Values seen after `start_ms`."""
        return len(self.times) - first_after(self.times, start_ms)

    def forget(self, start_ms: int) -> None:
        cut = first_after(self.times, start_ms)
        if cut:
            del self.times[:cut]
            self.last_seen = {value: seen for value, seen in self.last_seen.items() if seen > start_ms}


class RecentTransactions:
    """One user's transactions within the horizon, in time order (ties by arrival), with their indexes."""

    __slots__ = (
        "before", "countries", "declined_times", "devices", "entries", "merchants", "peak_times", "peaks",
        "refund_sums", "refund_times", "squares", "sums", "times",
    )  # fmt: skip

    def __init__(self) -> None:
        self.entries: list[TransactionEntry] = []
        self.times: list[int] = []
        self.sums: list[int] = [0]  # differences count, so that the front can be cut off
        self.squares: list[int] = [0]
        self.peak_times: list[int] = []  # amounts that no later transaction reaches, descending
        self.peaks: list[int] = []
        self.declined_times: list[int] = []
        self.refund_times: list[int] = []
        self.refund_sums: list[int] = [0]
        self.merchants = Distinct()
        self.devices = Distinct()
        self.countries = Distinct()
        self.before: TransactionEntry | None = None  # the newest of those forgotten


class SlidingWindows:
    """The logic: adds to a user's recent transactions, asks for windows, forgets what no window can see."""

    def __init__(self, settings: WindowSettings) -> None:
        self.settings = settings
        self._horizon_ms = settings.horizon_ms
        self._batch = settings.forget_batch
        self._widths = (settings.five_minutes_ms, settings.hour_ms, settings.day_ms)
        self._widest_first = self._widths[::-1]

    def restore(self, entries: Iterable[TransactionEntry], before: TransactionEntry | None) -> RecentTransactions:
        """Rebuild from the stored log (in order of arrival), all at once."""
        state = RecentTransactions()
        state.before = before
        state.entries = ordered = sorted(entries, key=_time_of)  # stable: ties stay in order of arrival
        state.times = [entry.timestamp_ms for entry in ordered]
        amounts = [entry.minor for entry in ordered]
        state.sums = list(accumulate(amounts, initial=0))
        state.squares = list(accumulate([minor * minor for minor in amounts], initial=0))
        highest = -1
        for entry in reversed(ordered):
            if entry.minor > highest:
                state.peak_times.append(entry.timestamp_ms)
                state.peaks.append(entry.minor)
                highest = entry.minor
        state.peak_times.reverse()
        state.peaks.reverse()
        state.declined_times = [entry.timestamp_ms for entry in ordered if entry.declined]
        refunds = [entry for entry in ordered if entry.refund]
        state.refund_times = [entry.timestamp_ms for entry in refunds]
        state.refund_sums = list(accumulate([entry.minor for entry in refunds], initial=0))
        for entry in ordered:
            state.merchants.add(entry.merchant_id, entry.timestamp_ms)
            state.devices.add(entry.device_id, entry.timestamp_ms)
            state.countries.add(entry.country, entry.timestamp_ms)
        return state

    def add(self, state: RecentTransactions, entry: TransactionEntry) -> None:
        """Count a transaction that is at most `lateness_ms` late."""
        time_ms = entry.timestamp_ms
        minor = entry.minor
        times = state.times
        if not times or time_ms >= times[-1]:
            state.entries.append(entry)
            times.append(time_ms)
            state.sums.append(state.sums[-1] + minor)
            state.squares.append(state.squares[-1] + minor * minor)
        else:
            at = first_after(times, time_ms)
            state.entries.insert(at, entry)
            times.insert(at, time_ms)
            _insert_sum(state.sums, at, minor)
            _insert_sum(state.squares, at, minor * minor)
        _add_peak(state, time_ms, minor)
        if entry.declined:
            insort(state.declined_times, time_ms)
        if entry.refund:
            at = first_after(state.refund_times, time_ms)
            state.refund_times.insert(at, time_ms)
            _insert_sum(state.refund_sums, at, minor)
        state.merchants.add(entry.merchant_id, time_ms)
        state.devices.add(entry.device_id, time_ms)
        state.countries.add(entry.country, time_ms)

    def ending_at(self, state: RecentTransactions, time_ms: int) -> list[Window]:
        """The windows of 5 minutes, 1 hour and 1 day that end with `time_ms`, in this order.

        `time_ms` is that of a transaction which was added, at most `lateness_ms` behind the newest one.
        """
        times = state.times
        if time_ms < times[-1]:
            last = first_after(times, time_ms)
            return [_late_window(state, first_after(times, time_ms - width), last) for width in self._widths]
        last = len(times)
        total, squares = state.sums[last], state.squares[last]
        merchants, devices, countries = state.merchants.times, state.devices.times, state.countries.times
        window: Window | None = None
        windows = []
        for width in self._widest_first:
            if window is None or window.count > 1:  # alone in the wider one is alone in the narrower one
                start_ms = time_ms - width
                first = first_after(times, start_ms)
                window = Window(
                    last - first,
                    total - state.sums[first],
                    squares - state.squares[first],
                    state.peaks[first_after(state.peak_times, start_ms)],
                    len(merchants) - first_after(merchants, start_ms),
                    len(devices) - first_after(devices, start_ms),
                    len(countries) - first_after(countries, start_ms),
                )
            windows.append(window)
        windows.reverse()
        return windows

    def foreign_countries(self, state: RecentTransactions, time_ms: int, home_country: str) -> int:
        """Different countries but the user's own in (time - 1 day, time]."""
        start_ms = time_ms - self.settings.day_ms
        if time_ms < state.times[-1]:
            first, last = first_after(state.times, start_ms), first_after(state.times, time_ms)
            return len({entry.country for entry in state.entries[first:last]} - {None, home_country})
        at_home = state.countries.last_seen.get(home_country, start_ms) > start_ms
        return state.countries.since(start_ms) - at_home

    def declined(self, state: RecentTransactions, time_ms: int, width_ms: int) -> int:
        """Declined transactions in (time - width, time]."""
        times = state.declined_times
        if not times:
            return 0
        return first_after(times, time_ms) - first_after(times, time_ms - width_ms)

    def refunds(self, state: RecentTransactions, time_ms: int, width_ms: int) -> tuple[int, int]:
        """Refunds and reversals in (time - width, time]: how many, and their sum in minor units."""
        times = state.refund_times
        if not times:
            return 0, 0
        first, last = first_after(times, time_ms - width_ms), first_after(times, time_ms)
        return last - first, state.refund_sums[last] - state.refund_sums[first]

    def last_before(self, state: RecentTransactions, time_ms: int, newest_ms: int) -> TransactionEntry | None:
        """The transaction with the greatest event time <= `time_ms` (ties: the last to arrive), the current one not
        yet added. What lies beyond the horizon counts only by its newest, whether it was forgotten already or not.
        """
        times = state.times
        at = first_after(times, time_ms)
        if at and times[at - 1] > newest_ms - self._horizon_ms:
            return state.entries[at - 1]
        candidate = self.newest_beyond(state, newest_ms)
        return candidate if candidate is not None and candidate.timestamp_ms <= time_ms else None

    def newest_beyond(self, state: RecentTransactions, newest_ms: int) -> TransactionEntry | None:
        """The newest transaction beyond the horizon, whether it was forgotten already or not."""
        beyond = first_after(state.times, newest_ms - self._horizon_ms)
        return state.entries[beyond - 1] if beyond else state.before

    def forget(self, state: RecentTransactions, newest_ms: int) -> None:
        """Drop what no window can see any more, a batch at a time."""
        times = state.times
        start_ms = newest_ms - self._horizon_ms
        if len(times) <= self._batch or times[self._batch] > start_ms:
            return
        cut = first_after(times, start_ms)
        state.before = state.entries[cut - 1]
        del state.entries[:cut], times[:cut], state.sums[:cut], state.squares[:cut]
        cut = first_after(state.peak_times, start_ms)
        del state.peak_times[:cut], state.peaks[:cut]
        del state.declined_times[: first_after(state.declined_times, start_ms)]
        cut = first_after(state.refund_times, start_ms)
        del state.refund_times[:cut], state.refund_sums[:cut]
        state.merchants.forget(start_ms)
        state.devices.forget(start_ms)
        state.countries.forget(start_ms)


def _insert_sum(sums: list[int], at: int, value: int) -> None:
    """Insert a value at position `at` of the summed sequence: the prefix sums after it move up."""
    sums.insert(at, sums[at])
    for position in range(at + 1, len(sums)):
        sums[position] += value


def _add_peak(state: RecentTransactions, time_ms: int, minor: int) -> None:
    peak_times = state.peak_times
    peaks = state.peaks
    end = len(peaks)
    if end and time_ms < peak_times[-1]:
        end = first_after(peak_times, time_ms)
        if end < len(peaks) and peaks[end] >= minor:
            return
    begin = end
    while begin and peaks[begin - 1] <= minor:
        begin -= 1
    peak_times[begin:end] = [time_ms]
    peaks[begin:end] = [minor]


def _late_window(state: RecentTransactions, first: int, last: int) -> Window:
    """Seen from a late transaction the newer ones do not exist yet: count the slice itself."""
    entries = state.entries[first:last]
    return Window(
        last - first,
        state.sums[last] - state.sums[first],
        state.squares[last] - state.squares[first],
        max([entry.minor for entry in entries]),
        len({entry.merchant_id for entry in entries} - {None}),
        len({entry.device_id for entry in entries} - {None}),
        len({entry.country for entry in entries} - {None}),
    )
