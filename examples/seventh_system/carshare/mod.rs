//! # Car share
//!
//! ```text
//! Customer ─▶ Join     ─▶ member  ──▶ Joined
//! Admin    ─▶ Register, Maintain ─▶ car ──▶ Registered, CarCorrected, CarWithdrawn, CarRestored
//! Customer ─▶ Begin    ─▶ trip    ──▶ Requested ══ car: Unlock ══▶ Begun
//!                                         └─ refused, or no answer ─▶ Refused ┄▶ car: Lock
//! Customer ─▶ End      ─▶ trip    ──▶ Ended ┄▶ car: Lock ─▶ Locked
//! a day has passed ─▶ End             Ended ┄▶ receipt: Write ─▶ Written
//! ```

pub mod car;
pub mod member;
pub mod receipt;
pub mod trip;
pub mod usage;

use crate::domain::{Board, Label, Mark, RefusalCode};

/// How long one try of an ask may take.
pub const ASK_TIMEOUT_MILLIS: u64 = 600;

/// What decisions refuse with.
const CAR_TAKEN: RefusalCode =
    RefusalCode::conflict("car-taken", "the car is on a trip", "운행 중인 차량입니다");
const USER_DRIVING: RefusalCode =
    RefusalCode::conflict("user-driving", "the user is on another trip", "이미 운행 중입니다");

/// What pages call what is on the wire.
const LABELS: &[Label] = &[
    Label::new("carshare", "차량 공유", "Car share"),
    Label::new("tripId=null", "이용 가능", "Available").marked(Mark::Free),
    Label::new("tripId=some", "운행 중", "On a trip").marked(Mark::Taken),
    Label::new("status=Asking", "확인 중", "Being unlocked").marked(Mark::Waiting),
    Label::new("Driving", "운행 중", "Driving").marked(Mark::Good),
    Label::new("Over", "종료됨", "Over").marked(Mark::Ended),
    Label::new("until", "자동 종료", "Ends by itself"),
    Label::new("end", "반납", "End the trip"),
];

/// Lays the contexts out on `board`.
pub fn lay_out(board: &mut impl Board) {
    board.labels(LABELS);
    board.aggregate::<member::Member>();
    board.aggregate::<car::Car>();
    board.aggregate::<trip::Trip>();
    board.aggregate::<receipt::Receipt>();
    board.view::<usage::Usage>();
    board.refusals(&[CAR_TAKEN, USER_DRIVING]);
}
