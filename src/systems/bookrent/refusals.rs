//! The refusals of this system that clients meet, by their codes.

use crate::domain::RefusalCode;

/// Code and meaning of each.
pub const REFUSALS: &[RefusalCode] = &[
    RefusalCode::conflict(
        "rent-failed",
        "a failed rent cannot be cancelled",
        "실패한 대여는 취소할 수 없습니다",
    ),
    RefusalCode::conflict(
        "held",
        "a rent holds the book: its `status` is not corrected meanwhile",
        "대여 중인 도서의 `status`는 고칠 수 없습니다",
    ),
    RefusalCode::conflict(
        "book-out",
        "the `reason` of a rent that failed: the book is out",
        "실패한 대여의 `reason`: 대여 중인 도서입니다",
    ),
    RefusalCode::conflict(
        "book-unknown",
        "the `reason` of a rent that failed: the book is unknown",
        "실패한 대여의 `reason`: 없는 도서입니다",
    ),
];
