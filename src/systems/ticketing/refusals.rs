//! The refusals of this system that clients meet, by their codes.

use crate::domain::RefusalCode;

/// Code and meaning of each.
pub const REFUSALS: &[RefusalCode] = &[
    RefusalCode::conflict(
        "ticket-taken",
        "another reservation has the ticket",
        "다른 예약이 있는 티켓입니다",
    ),
    RefusalCode::conflict(
        "ticket-expired",
        "the time of the ticket has passed",
        "기간이 지난 티켓입니다",
    ),
    RefusalCode::conflict(
        "ticket-unknown",
        "the ticket is unknown or withdrawn",
        "없거나 철회된 티켓입니다",
    ),
    RefusalCode::conflict(
        "held",
        "a reservation has the ticket: it is not corrected meanwhile",
        "예약이 있는 티켓은 고칠 수 없습니다",
    ),
    RefusalCode::conflict(
        "ticket-registered",
        "there is a ticket of that number",
        "이미 등록된 티켓 번호입니다",
    ),
    RefusalCode::invalid(
        "ends-before-start",
        "the day of `endtime` is before that of `starttime`",
        "`endtime`의 날짜가 `starttime`보다 앞섭니다",
    ),
    RefusalCode::invalid(
        "user-too-long",
        "over 1,024 bytes for who reserves",
        "예약자 정보는 1,024바이트까지입니다",
    ),
    RefusalCode::retry_later(
        "the ticket did not answer; nothing was reserved",
        "티켓 응답이 없어 예약되지 않았습니다",
    ),
];
