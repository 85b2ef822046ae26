//! The refusals of this system that clients meet, by their codes.

use crate::domain::RefusalCode;

/// Code and meaning of each.
pub const REFUSALS: &[RefusalCode] = &[
    RefusalCode::conflict(
        "bike-in-use",
        "another rent has the bike",
        "다른 대여가 사용 중인 자전거입니다",
    ),
    RefusalCode::conflict("bike-broken", "the bike is broken", "고장 난 자전거입니다"),
    RefusalCode::conflict(
        "bike-unknown",
        "the bike is unknown or withdrawn",
        "없거나 철회된 자전거입니다",
    ),
    RefusalCode::conflict("in-arrears", "earlier rides are not paid for", "미납 요금이 있습니다"),
    RefusalCode::conflict(
        "too-many-bikes",
        "the customer has as many bikes as one may have at once: bring one back first",
        "한 번에 빌릴 수 있는 자전거 수를 넘었습니다. 먼저 반납해 주세요",
    ),
    RefusalCode::conflict(
        "held",
        "a rent has the bike: it is not corrected meanwhile",
        "대여 중인 자전거는 고칠 수 없습니다",
    ),
    RefusalCode::conflict(
        "bike-registered",
        "there is a bike of that number",
        "이미 등록된 자전거 번호입니다",
    ),
    RefusalCode::conflict(
        "already-returned",
        "a return with another `endlocation`",
        "다른 `endlocation`으로 이미 반납되었습니다",
    ),
    RefusalCode::invalid(
        "user-unknown",
        "the number of a user is not positive",
        "사용자 번호는 1 이상이어야 합니다",
    ),
    RefusalCode::invalid(
        "deposit-too-large",
        "the deposit would be over 2⁵³−1",
        "예치금은 2⁵³−1까지입니다",
    ),
    RefusalCode::retry_later(
        "deposit or bike did not answer; nothing was rented",
        "예치금 또는 자전거 응답이 없어 대여되지 않았습니다",
    ),
];
