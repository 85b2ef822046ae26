//! The problem of each fault of the runtime.

use super::{problem::Problem, request::OUTCOME};
use crate::actors::{CommandFault, Fault};
use std::time::Duration;

/// A full disk is not freed within a second.
const DISK_FULL_SECONDS: u64 = 10;

impl From<CommandFault> for Problem {
    fn from(CommandFault { fault, order }: CommandFault) -> Self {
        let problem = Self::from(fault);
        match order {
            Some(order) => problem.with_parameter(OUTCOME, order.name().to_owned()),
            None => problem,
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(refusal) => Self::refused(refusal),
            Fault::RefusedBefore(refusal) => Self::refused(refusal).replayed(),
            Fault::BadBody(bad) => Self::bad_body(bad),
            Fault::NothingToChange { fields } => nothing_to_change(&fields),
            Fault::TooLong { limit } => too_long(limit),
            Fault::VersionMismatch { current } => version_mismatch(current),
            Fault::KeyReused => key_reused(),
            Fault::Busy { retry_after } => retry_later(retry_after),
            Fault::TooManyAtOnce { limit } => too_many_at_once(limit),
            Fault::DiskFull => disk_full(),
            Fault::Unknown => outcome_unknown(),
            Fault::Away(context) => context_away(context),
            Fault::Crashed => crashed_request(),
            Fault::HistoryChanged { context, detail } => history_changed(&context, detail),
            Fault::Store(error) => store_failed(error),
            Fault::Damaged(what) => data_damaged(what),
            Fault::SortUnsupported { collection, allowed } => {
                sort_unsupported(collection, &allowed)
            }
            Fault::BadFilter { field, value } => bad_filter_value(&field, &value),
            Fault::OutOfRange(field) => Self::out_of_range(&field),
            Fault::UnknownFilter { field, allowed } => unknown_filter(&field, &allowed),
            Fault::FilterTwice(field) => filter_twice(&field),
            Fault::TooManyFilters(most) => too_many_filters(most),
            Fault::BadCursor => bad_cursor(),
            Fault::PageTooDeep => page_too_deep(),
        }
    }
}

fn nothing_to_change(fields: &str) -> Problem {
    Problem::new(
        "nothing-to-change",
        format!("none of the fields that can be changed is given: {fields}"),
        format!("변경할 수 있는 필드가 없습니다: {fields}"),
    )
}

fn too_long(limit: usize) -> Problem {
    Problem::new(
        "too-long",
        format!("one item may take {limit} bytes in the store"),
        format!("한 건에 {limit}바이트까지만 저장할 수 있습니다"),
    )
}

fn version_mismatch(current: u64) -> Problem {
    let ko = format!("현재 버전은 {current}입니다");
    let problem = Problem::new("version-mismatch", format!("the current version is {current}"), ko);
    if current == 0 { problem } else { problem.with_parameter("etag", format!("\"{current}\"")) }
}

fn key_reused() -> Problem {
    Problem::new(
        "key-reused",
        "the idempotency key was used with another request body; send a new key",
        "멱등성 키가 다른 본문과 함께 사용되었습니다. 새 키를 보내 주세요",
    )
}

fn retry_later(retry_after: Duration) -> Problem {
    let seconds = retry_after.as_millis().div_ceil(1000).max(1);
    Problem::new("retry-later", "try again later", "잠시 후 다시 시도해 주세요")
        .with_parameter("retry-after", seconds.to_string())
}

fn too_many_at_once(limit: usize) -> Problem {
    Problem::new(
        "quota-exceeded",
        format!("at most {limit} of your requests are carried out here at once"),
        format!("동시에 처리하는 요청은 최대 {limit}개입니다"),
    )
    .with_parameter("retry-after", "1".to_owned())
}

fn disk_full() -> Problem {
    Problem::new(
        "disk-full",
        "the disk of the server is full: new commands are refused, everything accepted is kept and can be read",
        "서버의 디스크 공간이 부족하여 새 요청을 받을 수 없습니다. 이미 접수된 내용은 보존되며 조회할 수 있습니다",
    )
    .with_parameter("retry-after", DISK_FULL_SECONDS.to_string())
}

fn outcome_unknown() -> Problem {
    Problem::new(
        "outcome-unknown",
        "the server stopped while it handled the request, which may have been done: check before you send it \
         again, or send it with the same Idempotency-Key",
        "처리 중에 서버가 중단되어 결과를 알 수 없습니다. 다시 보내기 전에 확인하거나 같은 Idempotency-Key로 다시 보내 주세요",
    )
}

fn context_away(context: &str) -> Problem {
    Problem::new(
        "context-away",
        format!("{context} is not available; try again later"),
        format!("{context}이(가) 중지되어 있습니다. 잠시 후 다시 시도해 주세요"),
    )
    .with_parameter("retry-after", "1".into())
}

fn crashed_request() -> Problem {
    Problem::new(
        "crashed",
        "the request failed because of an internal error and had no effect",
        "내부 오류로 요청이 처리되지 않았습니다",
    )
}

fn history_changed(context: &str, detail: String) -> Problem {
    Problem::new(
        "history-changed",
        detail,
        format!("{context}의 기록이 알려진 것과 다릅니다. 운영자에게 문의하세요"),
    )
}

fn store_failed(error: String) -> Problem {
    tracing::error!(error, "store failed");
    Problem::new("store-failed", "the store has failed", "저장소에 장애가 발생했습니다")
        .with_parameter("retry-after", "1".into())
}

fn data_damaged(what: String) -> Problem {
    tracing::error!(what, "request needs damaged data");
    Problem::new(
        "damaged",
        "data that the request needs is damaged and cannot be read; other data is not affected",
        "이 요청에 필요한 데이터가 손상되어 읽을 수 없습니다. 다른 데이터는 정상입니다",
    )
}

fn sort_unsupported(collection: &str, allowed: &str) -> Problem {
    let ko = format!("{collection}의 정렬 기준: {allowed}");
    Problem::new("sort-unsupported", format!("{collection} can be sorted by {allowed}"), ko)
}

fn bad_filter_value(field: &str, value: &str) -> Problem {
    let ko = format!("`{value}`은(는) {field}의 값이 아닙니다");
    Problem::new("bad-filter", format!("`{value}` is not a value of {field}"), ko)
}

fn unknown_filter(field: &str, allowed: &str) -> Problem {
    Problem::new(
        "bad-filter",
        format!(
            "unknown filter `{field}`; filters are: {allowed} (besides `page`, `size`, `after`, `sort`)"
        ),
        format!(
            "`{field}` 필터는 없습니다. 사용할 수 있는 필터: {allowed} (그 밖에 `page`, `size`, `after`, `sort`)"
        ),
    )
}

fn filter_twice(field: &str) -> Problem {
    Problem::new(
        "bad-filter",
        format!("`{field}` is given twice"),
        format!("`{field}`이(가) 두 번 지정되었습니다"),
    )
}

fn too_many_filters(most: usize) -> Problem {
    Problem::new(
        "bad-filter",
        format!("at most {most} filters are allowed"),
        format!("필터는 최대 {most}개입니다"),
    )
}

fn bad_cursor() -> Problem {
    Problem::new(
        "bad-cursor",
        "`after` has to come from a `next` link of this list, without `page` and without other sort or filters",
        "`after`는 이 목록의 `next` 링크에서 가져온 값이어야 하며, 그 정렬과 필터로만, `page` 없이 사용합니다",
    )
}

fn page_too_deep() -> Problem {
    Problem::new(
        "page-too-deep",
        "this page is too far into the list to be counted: leave out `page`, and follow the `next` links, which use `after`; or leave out `sort`",
        "이 페이지는 세어서 찾기에 너무 깊습니다. `page` 없이 요청하고 `after`가 들어 있는 `next` 링크를 따라가거나 `sort`를 빼세요",
    )
}
