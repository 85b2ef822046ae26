//! The problems of the server itself, in one table. The codes of a business are declared where it refuses.

use super::problem_code::{
    CONFLICT, CORRECT, INVALID, LATER, LESS, NAME_A_FIELD, OTHER_TOOLS, ProblemCode, SHOW,
    conflict, describe_code, invalid,
};

/// Every problem of the server itself, by status.
pub const PROBLEM_CODES: &[ProblemCode] = &[
    describe_code("bad-request", 400, "Invalid request", "잘못된 요청입니다", CORRECT),
    describe_code("bad-json", 400, "Request body is not JSON", "본문이 JSON이 아닙니다", CORRECT),
    describe_code("bad-utf8", 400, "Request body is not UTF-8", "본문이 UTF-8이 아닙니다", CORRECT),
    describe_code("bad-body", 400, "Invalid request body", "본문이 올바르지 않습니다", CORRECT),
    describe_code(
        "nothing-to-change",
        400,
        "Nothing to change",
        "변경할 내용이 없습니다",
        NAME_A_FIELD,
    ),
    describe_code(
        "too-deep",
        400,
        "Request body nested too deeply",
        "본문의 중첩이 너무 깊습니다",
        CORRECT,
    ),
    describe_code("bad-page", 400, "Invalid page", "페이지 지정이 올바르지 않습니다", CORRECT),
    describe_code(
        "bad-filter",
        400,
        "Invalid filter",
        "필터가 올바르지 않습니다",
        ("use a filter that `detail` lists", "`detail`에 있는 필터를 사용해 주세요"),
    ),
    describe_code(
        "bad-cursor",
        400,
        "Invalid cursor",
        "커서가 올바르지 않습니다",
        (
            "take `after` from a `next` link, and leave out `page`, `sort` and filters",
            "`after`는 `next` 링크에서 가져오고 `page`, `sort`, 필터는 빼 주세요",
        ),
    ),
    describe_code(
        "page-too-deep",
        400,
        "Page too deep",
        "페이지가 너무 깊습니다",
        (
            "leave out `page`, and follow the `next` links",
            "`page` 없이 요청하고 `next` 링크를 따라가 주세요",
        ),
    ),
    describe_code(
        "sort-unsupported",
        400,
        "Unsupported sort",
        "지원하지 않는 정렬입니다",
        ("sort by a field that `detail` lists", "`detail`에 있는 필드로 정렬해 주세요"),
    ),
    describe_code(
        "too-far",
        400,
        "Clock moved too far",
        "시각을 그만큼 옮길 수 없습니다",
        ("move the clock by at most ten years", "시각은 최대 10년까지 옮길 수 있습니다"),
    ),
    describe_code(
        "bad-idempotency-key",
        400,
        "Invalid Idempotency-Key",
        "Idempotency-Key가 올바르지 않습니다",
        CORRECT,
    ),
    describe_code(
        "idempotency-key-missing",
        400,
        "Missing Idempotency-Key",
        "Idempotency-Key가 없습니다",
        (
            "send a key: over RabbitMQ every command needs one",
            "키를 보내 주세요. RabbitMQ로 보내는 명령에는 항상 필요합니다",
        ),
    ),
    describe_code(
        "bad-identity",
        400,
        "Invalid identity header",
        "신원 헤더가 올바르지 않습니다",
        CORRECT,
    ),
    describe_code("bad-if-match", 400, "Invalid If-Match", "If-Match가 올바르지 않습니다", CORRECT),
    describe_code(
        "login-failed",
        400,
        "Not signed in",
        "로그인하지 못했습니다",
        ("begin again at `/login`", "`/login`에서 다시 시작해 주세요"),
    ),
    describe_code("invalid-token", 401, "Invalid credentials", "인증할 수 없습니다", SHOW),
    describe_code(
        "insufficient-scope",
        403,
        "Not permitted",
        "권한이 없습니다",
        (
            "the credentials are valid, but not for this: `detail` names the role, the scope or the claim that is missing. Who \
             runs the provider gives it to a person; an admin makes a key that has it (`holdfast key add`)",
            "인증 정보는 유효하지만 권한이 부족합니다. 부족한 역할, 범위 또는 클레임은 `detail`에 있습니다. 사용자의 권한은 로그인 \
             제공자의 관리자가, API 키는 서버 관리자가 부여합니다(`holdfast key add`)",
        ),
    ),
    describe_code(
        "not-yours",
        403,
        "Only for yourself",
        "본인 것만 요청할 수 있습니다",
        (
            "leave out what `detail` names: your credentials say who you are",
            "`detail`에 있는 항목은 빼고 보내 주세요. 인증 정보로 본인을 확인합니다",
        ),
    ),
    describe_code(
        "origin-refused",
        403,
        "Origin not allowed",
        "허용되지 않는 출처입니다",
        ("operators: see `http.cors_origins`", "운영자는 `http.cors_origins`를 확인하세요"),
    ),
    describe_code(
        "form-token-missing",
        403,
        "Form token missing",
        "폼 토큰이 없습니다",
        (
            "send the `formToken` of `/session` as `X-Form-Token`",
            "`/session`의 `formToken`을 `X-Form-Token`으로 보내 주세요",
        ),
    ),
    describe_code(
        "proxy-unknown",
        403,
        "Proxy not known",
        "알 수 없는 프록시입니다",
        ("operators: see `http.trusted_proxies`", "운영자는 `http.trusted_proxies`를 확인하세요"),
    ),
    describe_code(
        "admin-closed",
        403,
        "Administration is closed",
        "관리 기능이 닫혀 있습니다",
        (
            "operators: it is open while `http.listen` is on loopback",
            "운영자: `http.listen`이 루프백 주소일 때만 열립니다",
        ),
    ),
    describe_code(
        "not-found",
        404,
        "Not found",
        "찾을 수 없습니다",
        ("check the path and the number", "경로와 번호를 확인해 주세요"),
    ),
    describe_code(
        "method-not-allowed",
        405,
        "Method not allowed",
        "허용되지 않는 메서드입니다",
        ("use a method of the header `Allow`", "`Allow` 헤더에 있는 메서드를 사용해 주세요"),
    ),
    describe_code(
        "request-timeout",
        408,
        "Request timed out",
        "요청 시간이 초과되었습니다",
        (
            "send head and body faster: `http.header_timeout_ms`, `http.body_timeout_ms`",
            "헤더와 본문을 더 빨리 보내 주세요: `http.header_timeout_ms`, `http.body_timeout_ms`",
        ),
    ),
    describe_code(
        "still-open",
        409,
        "Not settled yet",
        "요청이 아직 처리 중입니다",
        ("ask again after `Retry-After`", "`Retry-After` 뒤에 다시 요청해 주세요"),
    ),
    conflict(
        "withdrawn",
        ("it is withdrawn: restore it first", "철회된 항목입니다. 먼저 복구해 주세요"),
    ),
    conflict(
        "held",
        (
            "an order holds it: correct this when it has let go",
            "진행 중인 주문이 있습니다. 주문이 끝난 뒤에 고쳐 주세요",
        ),
    ),
    conflict(
        "taken",
        ("another one has it: choose another", "이미 선점되었습니다. 다른 것을 골라 주세요"),
    ),
    conflict(
        "asked-otherwise",
        (
            "operators: a node was restored from an older copy of its data",
            "운영자: 노드가 오래된 데이터 사본으로 복원되었습니다",
        ),
    ),
    describe_code(
        "history-changed",
        409,
        "History changed",
        "기록이 바뀌었습니다",
        ("read the events from the beginning", "이벤트를 처음부터 다시 읽어 주세요"),
    ),
    describe_code("backup-running", 409, "Backup running", "백업이 진행 중입니다", LATER),
    describe_code(
        "no-backup-directory",
        409,
        "No directory for backups",
        "백업 디렉터리가 없습니다",
        ("operators: set `backup.directory`", "운영자: `backup.directory`를 설정하세요"),
    ),
    describe_code("no-snapshots", 409, "No snapshots", "스냅샷이 없습니다", OTHER_TOOLS),
    describe_code(
        "version-mismatch",
        412,
        "Changed meanwhile",
        "그사이 변경되었습니다",
        (
            "read it again: `ETag` has the current version",
            "다시 읽어 주세요. 현재 버전은 `ETag`에 있습니다",
        ),
    ),
    describe_code("too-long", 413, "Too long", "보관할 수 있는 길이를 넘었습니다", LESS),
    describe_code("body-too-large", 413, "Request body too large", "본문이 너무 큽니다", LESS),
    describe_code("uri-too-long", 414, "URI too long", "주소가 너무 깁니다", LESS),
    describe_code(
        "unsupported-media-type",
        415,
        "Unsupported media type",
        "지원하지 않는 미디어 유형입니다",
        ("send `application/json`", "`application/json`으로 보내 주세요"),
    ),
    describe_code(
        "unsupported-encoding",
        415,
        "Unsupported content coding",
        "지원하지 않는 인코딩입니다",
        (
            "send the body as it is, without `Content-Encoding`",
            "본문을 `Content-Encoding` 없이 그대로 보내 주세요",
        ),
    ),
    describe_code("bad-text", 422, "Character not allowed", "쓸 수 없는 문자가 있습니다", CORRECT),
    describe_code("blank", 422, "Blank text", "비워 둘 수 없습니다", CORRECT),
    describe_code(
        "misdirected",
        421,
        "Not the right server",
        "다른 서버로 보낼 요청입니다",
        (
            "use a name that the server answers for; operators: see `auth.hosts`",
            "서버가 응답하는 이름으로 요청해 주세요. 운영자는 `auth.hosts`를 확인하세요",
        ),
    ),
    describe_code(
        "out-of-range",
        422,
        "Number out of range",
        "숫자가 범위를 벗어났습니다",
        (
            "send numbers up to 9007199254740991 (2^53 − 1)",
            "숫자는 9007199254740991(2^53 − 1)까지 보내 주세요",
        ),
    ),
    describe_code("unknown-commit", 422, "Unknown commit", "없는 커밋입니다", CORRECT),
    describe_code(
        "key-reused",
        422,
        "Idempotency-Key reused",
        "Idempotency-Key가 다른 요청에 사용되었습니다",
        ("send a new key", "새 키를 보내 주세요"),
    ),
    invalid(
        "one-at-a-time",
        (
            "send the fields that are commands one at a time",
            "명령인 필드는 한 번에 하나씩 보내 주세요",
        ),
    ),
    invalid("not-a-view", ("only a view can be rebuilt", "뷰만 다시 만들 수 있습니다")),
    invalid(
        "unreadable",
        (
            "the message still cannot be read: drop it, or upgrade the node",
            "메시지를 아직 읽을 수 없습니다. 버리거나 노드를 업그레이드하세요",
        ),
    ),
    describe_code("quota-exceeded", 429, "Too many requests", "요청이 너무 많습니다", LATER),
    describe_code("headers-too-large", 431, "Headers too large", "헤더가 너무 큽니다", LESS),
    describe_code(
        "crashed",
        500,
        "Internal error",
        "내부 오류가 발생했습니다",
        (
            "nothing was recorded; operators: the log has more",
            "기록된 것이 없습니다. 운영자는 로그를 확인하세요",
        ),
    ),
    describe_code(
        "damaged",
        500,
        "Data damaged",
        "데이터가 손상되었습니다",
        (
            "other rows are not affected; operators: `holdfast check-store`",
            "다른 데이터는 정상입니다. 운영자는 `holdfast check-store`를 실행하세요",
        ),
    ),
    describe_code("backup-failed", 500, "Backup failed", "백업을 만들지 못했습니다", LATER),
    describe_code(
        "outcome-unknown",
        500,
        "Outcome unknown",
        "처리 결과를 알 수 없습니다",
        (
            "it may have been done: check, or send it again with the same `Idempotency-Key`",
            "처리되었을 수 있습니다. 확인하거나 같은 `Idempotency-Key`로 다시 보내 주세요",
        ),
    ),
    describe_code(
        "bad-gateway",
        502,
        "Unusable answer of another node",
        "다른 노드의 응답을 사용할 수 없습니다",
        (
            "ask for less: the answer exceeds `node.answer_limit`",
            "더 적게 요청해 주세요. 응답이 `node.answer_limit`를 넘었습니다",
        ),
    ),
    describe_code("retry-later", 503, "Try again later", "잠시 후 다시 시도해 주세요", LATER),
    describe_code(
        "disk-full",
        503,
        "Disk full",
        "디스크 공간이 부족합니다",
        (
            "nothing was recorded: send it again later; operators: free space on the disk",
            "기록된 것이 없습니다. 나중에 다시 보내 주세요. 운영자는 디스크 공간을 확보하세요",
        ),
    ),
    describe_code(
        "context-away",
        503,
        "Context unavailable",
        "서버의 일부가 중지되어 있습니다",
        LATER,
    ),
    describe_code("store-failed", 503, "Store failed", "저장소에 장애가 발생했습니다", LATER),
    describe_code(
        "too-many-streams",
        503,
        "Too many event streams",
        "이벤트 스트림이 너무 많습니다",
        LATER,
    ),
    describe_code(
        "loop-detected",
        508,
        "Loop detected",
        "요청이 순환하고 있습니다",
        (
            "operators: nodes forward the request to each other, check `[peers]`",
            "운영자: 노드들이 요청을 서로 전달하고 있으니 `[peers]`를 확인하세요",
        ),
    ),
];

/// The problem with that code.
pub fn problem_code(code: &str) -> Option<&'static ProblemCode> {
    PROBLEM_CODES.iter().find(|known| known.code == code)
}

/// The title of a problem, in English and in Korean: that of its code, or else of its status.
pub fn title_of(code: &str, status: u16) -> (&'static str, &'static str) {
    let titles = problem_code(code).map(|known| (known.en, known.ko));
    titles.unwrap_or(match status {
        404 => ("Not found", "찾을 수 없습니다"),
        409 => CONFLICT,
        422 => INVALID,
        503 => ("Try again later", "잠시 후 다시 시도해 주세요"),
        _ => ("Request failed", "요청이 실패했습니다"),
    })
}
