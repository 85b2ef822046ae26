//! The refusals of this system that clients meet, by their codes.

use crate::domain::RefusalCode;

/// Code and meaning of each.
pub const REFUSALS: &[RefusalCode] = &[
    RefusalCode::conflict(
        "payment-declined",
        "nothing was requested",
        "결제가 거절되어 신청이 접수되지 않았습니다",
    ),
    RefusalCode::conflict(
        "payment-called-off",
        "the payment was called off before it was made",
        "결제 전에 취소되었습니다",
    ),
    RefusalCode::conflict(
        "held",
        "a request is held: `rentalFee` is not corrected meanwhile",
        "대기 중인 신청이 있는 동안 `rentalFee`는 고칠 수 없습니다",
    ),
    RefusalCode::conflict(
        "nothing-held",
        "approve or reject without a request",
        "승인하거나 거절할 신청이 없습니다",
    ),
    RefusalCode::conflict(
        "already-approved",
        "reject or withdraw after approve",
        "이미 승인된 신청은 거절하거나 취소할 수 없습니다",
    ),
    RefusalCode::conflict(
        "amount-open",
        "approve before the payment has judged the amount",
        "결제 금액이 확인된 뒤에 승인할 수 있습니다",
    ),
    RefusalCode::conflict(
        "still-open",
        "withdraw before the payment has answered",
        "결제 응답 전에는 취소할 수 없습니다",
    ),
    RefusalCode::conflict(
        "not-lent",
        "return of a rent that has not begun",
        "시작되지 않은 대여는 반납할 수 없습니다",
    ),
    RefusalCode::retry_later(
        "the payment did not answer: nothing was requested, and what was paid is paid back",
        "결제 응답이 없어 신청이 접수되지 않았으며, 결제된 금액은 환불됩니다",
    ),
];
