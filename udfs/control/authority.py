"""Who may change a running job: the check of signatures and approvals of one record, by the job's settings alone."""

from __future__ import annotations

import msgspec

from udfs.control.elements import ControlError, GuardrailControl
from udfs.control.envelope import Approval, Authorship, ControlRecord, LateApproval, Publication, Statement
from udfs.control.signing import TrustedKey, is_signed_by
from udfs.values.time_units import DAY_MS, MINUTE_MS

AHEAD_MS = 10 * MINUTE_MS


class NotAuthorised(ControlError):
    """The element is not signed or approved as the job demands, or is one that was replaced before."""


class AuthoritySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a job demands. With trusted keys every statement must be signed by one of them.

    `approvals_required`: of all kinds of elements but `approvals_except`. `emergency_ms`: how long an emergency publication
    is in force without an approval, from when it was written.
    """

    trusted_keys: tuple[TrustedKey, ...] = ()
    approvals_required: bool = False
    approvals_except: tuple[str, ...] = ()
    emergency_ms: int = DAY_MS


class Authority:
    """Decides about records of the control stream, one at a time and without memory.

    Elements of guardrails are published by the job itself, and need neither a signature nor an approval: all that they can
    do is to put a rule with guardrails back to shadow until its next version.
    """

    def __init__(self, settings: AuthoritySettings) -> None:
        self.settings = settings
        self._keys = {key.key_id: key for key in settings.trusted_keys}

    @classmethod
    def without_keys(cls) -> Authority:
        """One that takes statements as they are, signed or not."""
        return cls(AuthoritySettings())

    @property
    def needs_signatures(self) -> bool:
        return bool(self._keys)

    def needs_approval(self, kind: str) -> bool:
        """Whether elements of this kind need an approval."""
        return self.settings.approvals_required and kind not in self.settings.approvals_except

    def check(self, record: ControlRecord) -> int | None:
        """When the element ends to be in force without a further approval, in epoch milliseconds; None: never.

        Raises NotAuthorised.
        """
        element, link = record.element, record.link
        assert element is not None
        kind = element.key.partition("/")[0]
        if isinstance(element, GuardrailControl):
            return None
        if not isinstance(link, Publication):
            if self.needs_signatures:
                raise NotAuthorised(f"{element.key} version {element.version} is not signed")
            if self.needs_approval(kind):
                raise NotAuthorised(f"{element.key} version {element.version} has no approval")
            return None
        self.check_author(record)
        authorship = link.authorship
        if link.approval is not None:
            self.check_approval(authorship, link.approval)
            return None
        if authorship.emergency:
            return authorship.at_ms + self.settings.emergency_ms
        if self.needs_approval(kind):
            raise NotAuthorised(f"{element.key} version {element.version} has no approval")
        return None

    def check_author(self, record: ControlRecord) -> None:
        """Raises NotAuthorised unless the element is as its author wrote it, and signed as the job demands."""
        element, link = record.element, record.link
        assert element is not None
        assert isinstance(link, Publication)
        if link.authorship.element_sha256 != record.sha256:
            raise NotAuthorised(f"{element.key} version {element.version} was changed after its author wrote it")
        self._check_signature(link.authorship, "author")

    def check_approval(self, authorship: Authorship, approval: Approval) -> None:
        """Raises NotAuthorised unless another person approved this content on the ground of the same backtest."""
        if approval.element_sha256 != authorship.element_sha256:
            raise NotAuthorised("the approval is of another content: the element was changed after it was approved")
        if approval.backtest != authorship.backtest:
            raise NotAuthorised(
                f"the approval is of backtest {approval.backtest or 'none'}, the element rests on backtest "
                f"{authorship.backtest or 'none'}"
            )
        self._check_signature(approval, "approver")
        if _same_person(approval.person, authorship.person):
            raise NotAuthorised(f"author and approver are the same person, {authorship.person}")

    def check_late(self, approval: LateApproval, authorship: Authorship) -> None:
        """Raises NotAuthorised unless it approves the emergency publication of this author while that is in force."""
        self.check_approval(authorship, approval.approval)
        if approval.approval.at_ms >= authorship.at_ms + self.settings.emergency_ms:
            raise NotAuthorised(
                f"{approval.key} version {approval.version} ran out before it was approved: publish it again"
            )

    def _check_signature(self, statement: Statement, role: str) -> None:
        if not self.needs_signatures:
            return
        if statement.signature is None or statement.key is None:
            raise NotAuthorised(f"the {role} {statement.person} did not sign")
        key = self._keys.get(statement.key)
        if key is None:
            raise NotAuthorised(f"the {role} {statement.person} signed with key {statement.key}, which is not trusted")
        if not (key.for_others or _same_person(key.person, statement.person)):
            raise NotAuthorised(f"key {statement.key} is of {key.person}, not of the {role} {statement.person}")
        if not is_signed_by(statement, key):
            raise NotAuthorised(f"the signature of the {role} {statement.person} is wrong")


def require_not_ahead(authorship: Authorship, now_ms: int) -> None:
    """Raises NotAuthorised for an emergency publication dated ahead, which would be in force for longer."""
    if authorship.emergency and authorship.at_ms > now_ms + AHEAD_MS:
        raise NotAuthorised("an emergency publication is dated more than 10 minutes ahead")


def _same_person(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()
