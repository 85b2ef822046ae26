//! A problem of the server itself: its code, its status, and what people read about it.

/// A problem of the server itself.
#[derive(Debug)]
pub struct ProblemCode {
    /// Stable, for programs.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The title in English.
    pub en: &'static str,
    /// The title in Korean.
    pub ko: &'static str,
    /// What to do about it, in English.
    pub advice: &'static str,
    /// What to do about it, in Korean.
    pub advice_ko: &'static str,
}

/// What to do, in English and in Korean.
pub type Advice = (&'static str, &'static str);

pub const CORRECT: Advice = (
    "correct the request: `detail` says what is wrong, `errors` where",
    "요청을 고쳐 주세요. `detail`은 무엇이 잘못되었는지, `errors`는 어디인지 알려 줍니다",
);
pub const LESS: Advice =
    ("send less: `detail` has the limit", "더 작게 보내 주세요. 한도는 `detail`에 있습니다");
pub const LATER: Advice = (
    "nothing was recorded: send it again after `Retry-After`",
    "기록된 것이 없습니다. `Retry-After` 뒤에 다시 보내 주세요",
);
/// To change something, it has to be named.
pub const NAME_A_FIELD: Advice = (
    "give a field that `detail` lists; null is no value",
    "`detail`에 있는 필드 중 하나를 보내 주세요. null은 값이 아닙니다",
);
pub const OTHER_TOOLS: Advice =
    ("operators: `detail` names the tools for it", "운영자: `detail`에 있는 도구를 사용하세요");

pub const SHOW: Advice =
    ("send credentials that are valid here", "이 서버에서 유효한 인증 정보를 보내 주세요");

/// The titles of problems that say no more than their status, in English and in Korean.
pub const CONFLICT: (&str, &str) = ("Not possible in this state", "현재 상태에서는 할 수 없습니다");
pub const INVALID: (&str, &str) = ("Invalid value", "허용되지 않는 값입니다");

/// A problem, with its titles.
pub const fn describe_code(
    code: &'static str,
    status: u16,
    en: &'static str,
    ko: &'static str,
    (advice, advice_ko): Advice,
) -> ProblemCode {
    ProblemCode { code, status, en, ko, advice, advice_ko }
}

/// A problem whose title says no more than that it is a conflict.
pub const fn conflict(code: &'static str, advice: Advice) -> ProblemCode {
    describe_code(code, 409, CONFLICT.0, CONFLICT.1, advice)
}

/// A problem whose title says no more than that a value is wrong.
pub const fn invalid(code: &'static str, advice: Advice) -> ProblemCode {
    describe_code(code, 422, INVALID.0, INVALID.1, advice)
}
