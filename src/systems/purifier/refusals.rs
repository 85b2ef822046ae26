//! The refusals of this system that clients meet, by their codes.

use crate::domain::RefusalCode;

/// Code and meaning of each.
pub const REFUSALS: &[RefusalCode] = &[
    RefusalCode::conflict(
        "payment-declined",
        "nothing was rented",
        "결제가 거절되어 렌탈이 접수되지 않았습니다",
    ),
    RefusalCode::conflict(
        "payment-called-off",
        "the payment was called off before it was made",
        "결제 전에 취소되었습니다",
    ),
    RefusalCode::conflict(
        "stock-too-low",
        "`stockChange` would take more units than there are",
        "`stockChange`가 남은 재고보다 많이 줄입니다",
    ),
    RefusalCode::invalid("stock-too-high", "more units than 2⁵³−1", "재고는 2⁵³−1개까지입니다"),
    RefusalCode::invalid(
        "one-at-a-time",
        "`stock` beside `stockChange`",
        "`stock`과 `stockChange`는 함께 보낼 수 없습니다",
    ),
    RefusalCode::retry_later(
        "the payment did not answer: nothing was rented, and what was paid is paid back",
        "결제 응답이 없어 렌탈이 접수되지 않았으며, 결제된 금액은 환불됩니다",
    ),
];
