//! What the operator's pages say, in both languages.

use crate::pages::{language::Language, values::words_of};
use serde_json::Value;

macro_rules! texts {
    ($($name:ident: $english:literal, $korean:literal;)+) => {
        $(
            #[doc = $english]
            pub fn $name(t: Language) -> &'static str {
                t.choose($english, $korean)
            }
        )+
    };
}

texts! {
    contexts: "Contexts", "컨텍스트";
    contexts_lead: "The parts of each business, on all nodes. One that is stopped answers nothing; what it has to do waits for it.", "각 업무의 구성 요소입니다. 멈춘 컨텍스트는 응답하지 않고, 할 일은 다시 시작할 때까지 기다립니다.";
    nodes: "Nodes", "노드";
    sagas: "Orders under way", "진행 중인 주문";
    sagas_lead: "What is still owed to orders, by which part, since when and why.", "주문마다 아직 남은 일과 맡은 컨텍스트, 시작 시각과 까닭입니다.";
    parked: "Set aside", "보류됨";
    parked_lead: "Events that could not be processed, and text messages that the gateway refuses. They can be tried again or given up.", "처리하지 못한 이벤트와 게이트웨이가 거절한 문자입니다. 다시 시도하거나 버릴 수 있습니다.";
    jobs: "Jobs", "작업";
    jobs_lead: "What is being tried again or given up, many at once. A job goes on after a restart.", "여러 건을 한꺼번에 재시도하거나 버리는 작업입니다. 서버를 다시 시작해도 이어집니다.";
    outside: "Outbox and health", "발신과 상태";
    outside_lead: "What leaves the server, and what it rests on.", "서버가 내보내는 것과 서버의 기반입니다.";
    lab: "Development", "개발 도구";
    lab_lead: "In development only: take a part down, and move the clock of the business.", "개발 모드 전용: 컨텍스트에 장애를 일으키고 업무 시각을 앞당깁니다.";
    look: "Look at them", "살펴보기";
    some_are_stuck: "Some orders are stuck.", "멈춘 주문이 있습니다.";
    backlog: "Events to take", "받을 이벤트";
    waiting_callers: "Callers waiting", "기다리는 호출";
    restarts: "Restarts", "재시작";
    breaker: "Breaker", "차단기";
    node: "Node", "노드";
    faulty: "Fault injected", "장애 주입됨";
    start: "Start", "시작";
    stop: "Stop", "멈춤";
    address: "Address", "주소";
    this_node: "this node", "이 노드";
    unknown_node: "Not known yet", "아직 알 수 없음";
    version: "Version", "버전";
    since: "Since", "시작";
    hosts: "Hosts", "담당";
    error: "Error", "오류";
    state_label: "State", "상태";
    owed: "Everything under way", "진행 중인 모두";
    any: "All", "전체";
    system: "Business", "업무";
    owed_by: "Owed by", "맡은 컨텍스트";
    since_from: "Since, from", "시작 (부터)";
    since_to: "Since, before", "시작 (이전)";
    time_hint: "For example 2026-08-01T09:00:00Z", "예: 2026-08-01T09:00:00Z";
    show: "Show", "보기";
    why: "Why", "까닭";
    waits_for: "Waits for", "기다리는 곳";
    attempts: "Tries", "시도";
    next_try: "Next try", "다음 시도";
    redrive: "Try again", "다시 시도";
    drop_it: "Give up", "버리기";
    redrive_all: "Try all of these again", "모두 다시 시도";
    drop_all: "Give all of these up", "모두 버리기";
    preview: "Please confirm", "확인해 주세요";
    nothing_owed: "Nothing here", "항목이 없습니다";
    nothing_owed_detail: "No order fits. What has nothing left to do is under ended.", "조건에 맞는 주문이 없습니다. 끝난 주문은 '끝남'에서 볼 수 있습니다.";
    nothing_parked: "Nothing is set aside", "보류된 것이 없습니다";
    nothing_parked_detail: "All events were processed, and no text message is refused.", "모든 이벤트가 처리되었고 거절된 문자도 없습니다.";
    letters: "Messages of the broker that could not be read", "읽을 수 없는 브로커 메시지";
    filter: "Which", "대상";
    touched: "Done", "처리함";
    parked_again: "Set aside again", "다시 보류됨";
    failed: "Failed", "실패";
    begun: "Begun", "시작";
    ended: "Ended", "종료";
    by: "By", "요청한 사람";
    cancel: "Cancel", "취소";
    no_jobs: "No jobs", "작업이 없습니다";
    no_jobs_detail: "They begin where things are set aside.", "'보류됨'에서 시작할 수 있습니다.";
    context: "Part", "컨텍스트";
    inject: "Inject a fault", "장애 일으키기";
    delay: "Delay", "지연";
    delay_least: "Shortest delay (ms)", "최소 지연 (ms)";
    delay_most: "Longest delay (ms)", "최대 지연 (ms)";
    share_lost: "Share of answers lost (0 to 1)", "잃어버릴 응답의 비율 (0–1)";
    heal: "Heal", "장애 풀기";
    clock: "Clock", "업무 시각";
    advance: "By how much", "얼마나";
    advance_hint: "PT10M is ten minutes, P10D ten days", "PT10M은 10분, P10D는 10일";
    move_clock: "Move forward", "앞당기기";
    asks: "Asks, and waits for the answer", "묻고 답을 기다림";
    still_owed: "Still to be done", "남은 일";
    states: "How its parts are now", "현재 상태";
    nothing_owed_to_it: "Nothing is left to be done.", "남은 일이 없습니다.";
    open_item: "Open the order", "주문 열기";
}

/// What a state is called.
pub fn state(t: Language, wire: &str) -> String {
    let known = match wire {
        "running" => ("running", "진행 중"),
        "waiting" => ("waiting", "대기 중"),
        "stuck" => ("stuck", "멈춤"),
        "ended" => ("ended", "끝남"),
        "failed" => ("failed", "실패"),
        "stopped" => ("stopped", "정지됨"),
        "starting" => ("starting", "시작하는 중"),
        "degraded" => ("restarting", "재시작 중"),
        "ready" => ("ready", "준비됨"),
        "unready" => ("not ready", "준비되지 않음"),
        "draining" => ("stopping", "종료하는 중"),
        "unreachable" => ("unreachable", "연결되지 않음"),
        "done" => ("done", "완료"),
        "canceled" => ("canceled", "취소됨"),
        "closed" => ("closed", "닫힘"),
        "open" => ("open", "열림"),
        "halfOpen" => ("half open", "반열림"),
        "UP" => ("up", "정상"),
        "DOWN" => ("down", "이상"),
        "UNKNOWN" => ("look here", "확인 필요"),
        "OUT_OF_SERVICE" => ("out of service", "서비스 안 함"),
        "" => ("unknown", "알 수 없음"),
        other => return other.to_owned(),
    };
    t.choose(known.0, known.1).to_owned()
}

/// Why a saga has not gone on.
pub fn reason(t: Language, row: &Value) -> String {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let why = text("why");
    if t == Language::English {
        return why;
    }
    let waits_for = text("waitsFor");
    let owed_by = text("owedBy");
    match text("reason").as_str() {
        "awaits-answer" => format!("{waits_for}의 답을 기다립니다"),
        "callee-away" => format!("{waits_for}이(가) 멈춰 있습니다"),
        "breaker-open" => format!("{waits_for}의 차단기가 열려 있습니다"),
        "awaits-time" => "정해진 시각을 기다립니다".to_owned(),
        "overdue" => "시각이 지났지만 처리되지 않았습니다".to_owned(),
        "event-parked" => format!("이벤트를 처리하지 못했습니다: {why}"),
        "event-not-taken" => format!("{owed_by}이(가) 아직 이벤트를 받지 않았습니다"),
        "context-away" => format!("{owed_by}이(가) 멈춰 있습니다"),
        "text-refused" => format!("문자가 거절되었습니다: {why}"),
        "over" => "남은 일이 없습니다".to_owned(),
        _ => why,
    }
}

/// What a job would do.
pub fn would_touch(t: Language, action: &str, count: u64, at_least: bool) -> String {
    let plus = if at_least { "+" } else { "" };
    match (t, action) {
        (Language::English, "redrive") => format!("{count}{plus} would be tried again."),
        (Language::English, _) => {
            format!("{count}{plus} would be given up. That cannot be undone.")
        }
        (Language::Korean, "redrive") => format!("{count}{plus}건을 다시 시도합니다."),
        (Language::Korean, _) => format!("{count}{plus}건을 버립니다. 되돌릴 수 없습니다."),
    }
}

/// What a job does.
pub fn job_title(t: Language, action: &str) -> &'static str {
    match action {
        "redrive" => t.choose("Try again", "다시 시도"),
        _ => t.choose("Give up", "버리기"),
    }
}

/// What a part of the server is called.
pub fn part(t: Language, name: &str) -> String {
    let known = match name {
        "broker" | "rabbit" | "amqp" => ("Broker", "브로커"),
        "messages" => ("Text messages", "문자 메시지"),
        "store" | "db" => ("Store", "저장소"),
        "diskSpace" | "disk" => ("Disk", "디스크"),
        "history" => ("History", "이력"),
        "commands" => ("Commands", "명령"),
        "replicas" => ("Events of other nodes", "다른 노드의 이벤트"),
        other => return words_of(other),
    };
    t.choose(known.0, known.1).to_owned()
}

/// How long nothing happened.
pub fn pause(t: Language, seconds: i64) -> String {
    let (english, korean, amount) = match seconds {
        0..=119 => ("seconds later", "초 뒤", seconds),
        120..=7_199 => ("minutes later", "분 뒤", seconds / 60),
        7_200..=172_799 => ("hours later", "시간 뒤", seconds / 3_600),
        _ => ("days later", "일 뒤", seconds / 86_400),
    };
    t.choose(format!("{amount} {english}"), format!("{amount}{korean}"))
}
