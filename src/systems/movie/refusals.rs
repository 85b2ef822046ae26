//! The refusals of this system that clients meet, by their codes.

use crate::domain::RefusalCode;

/// Code and meaning of each.
pub const REFUSALS: &[RefusalCode] = &[
    RefusalCode::conflict(
        "payment-declined",
        "nothing was booked",
        "결제가 거절되어 예매되지 않았습니다",
    ),
    RefusalCode::conflict(
        "payment-called-off",
        "the payment was called off before it was made",
        "결제 전에 취소되었습니다",
    ),
    RefusalCode::conflict(
        "seat-taken",
        "another booking has a seat",
        "다른 예매가 잡은 좌석이 있습니다",
    ),
    RefusalCode::conflict(
        "ticket-printed",
        "cancel after the ticket was printed",
        "발권된 뒤에는 취소할 수 없습니다",
    ),
    RefusalCode::conflict(
        "ticket-canceled",
        "print after the booking was canceled",
        "취소된 뒤에는 발권할 수 없습니다",
    ),
    RefusalCode::conflict(
        "booking-canceled",
        "points for a booking that is canceled",
        "취소된 예매에는 포인트가 적립되지 않습니다",
    ),
    RefusalCode::conflict(
        "points-granted",
        "points that a later print has got",
        "이후의 발권에 이미 적립된 포인트입니다",
    ),
    RefusalCode::invalid("wrong-qty", "no seat is booked", "한 자리 이상 예매해야 합니다"),
    RefusalCode::invalid(
        "wrong-seats",
        "another number of seats than `qty`, or one twice",
        "좌석 수가 `qty`와 다르거나 같은 좌석이 두 번 있습니다",
    ),
    RefusalCode::invalid("wrong-price", "not qty × price", "금액이 수량 × 가격과 다릅니다"),
    RefusalCode::invalid(
        "too-many-seats",
        "more than `seats_per_booking`",
        "한 번에 예매할 수 있는 좌석 수(`seats_per_booking`)를 넘었습니다",
    ),
    RefusalCode::invalid(
        "seat-too-long",
        "a seat with over 64 characters",
        "좌석 이름은 최대 64자입니다",
    ),
    RefusalCode::retry_later(
        "the payment (for a print: the points) did not answer; nothing was booked (the ticket waits)",
        "결제(발권은 포인트) 응답이 없어 예매되지 않았습니다(티켓은 대기 상태입니다)",
    ),
];
