//! Backups: those in the directory of the server, and one that is sent.

use crate::{
    api::Problem,
    backups::{BackupRefusal, Backups},
    http::{
        call::{Call, Reply},
        handlers::query,
        response::json_response,
        state::AppState,
    },
    store::backup::Base,
};
use actix_web::{HttpResponse, http::header, web};
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::{convert::Infallible, sync::Arc};

/// The media type of a backup.
const BACKUP: &str = "application/octet-stream";
/// The digits of the sum of a backup.
const SUM_DIGITS: usize = 64;

/// `GET /admin/backups`
pub async fn list_backups(call: Call<'_>) -> Reply {
    let backups = find_backups(call.state)?;
    let kept = Arc::clone(&backups);
    let listed = call.state.list_reads.run(move || kept.list()).await?;
    let kept = match listed {
        Err(BackupRefusal::NoDirectory) => Vec::new(),
        listed => listed.map_err(|refusal| problem_of(&refusal))?,
    };
    let every = backups.every().map(|every| every.as_secs());
    let failure = backups.status().failure;
    Ok(json_response(&json!({ "backups": kept, "everySeconds": every, "failure": failure })))
}

/// `POST /admin/backups/make`
pub async fn make_backup(call: Call<'_>) -> Reply {
    let backups = find_backups(call.state)?;
    let made = tokio::task::spawn_blocking(move || backups.make()).await;
    let made = made.map_err(|_| Problem::crashed())?;
    Ok(json_response(&json!(made.map_err(|refusal| problem_of(&refusal))?)))
}

/// `POST /admin/backups/send`
pub async fn send_backup(call: Call<'_>) -> Reply {
    let backups = find_backups(call.state)?;
    let since = parse_base(call.request.query_string())?;
    let chunks = backups.send(since).map_err(|refusal| problem_of(&refusal))?;
    let chunks = stream::unfold(chunks, async |mut chunks| {
        let chunk = chunks.recv().await?;
        Some((Ok::<_, Infallible>(web::Bytes::from(chunk)), chunks))
    });
    Ok(HttpResponse::Ok()
        .content_type(BACKUP)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(chunks.boxed_local()))
}

/// After which commit and which backup it is made.
fn parse_base(query: &str) -> Result<Option<Base>, Problem> {
    let pairs = query::parse_pairs(query)?;
    let value = |name: &str| pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value);
    let sum = value("base");
    let is_sum = |sum: &&String| {
        sum.len() == SUM_DIGITS && sum.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    if sum.is_some_and(|sum| !is_sum(&sum)) {
        let en = "`base` must be the sum of a backup: 64 hexadecimal digits";
        return Err(Problem::new(
            "bad-request",
            en,
            "`base`는 백업의 합계(16진수 64자리)여야 합니다",
        ));
    }
    match value("since") {
        Some(since) => {
            let commit = query::parse_number("since", since, bad_since)?;
            Ok(Some(Base { commit, sum: sum.cloned() }))
        }
        None if sum.is_some() => Err(bad_since()),
        None => Ok(None),
    }
}

fn bad_since() -> Problem {
    Problem::new(
        "bad-request",
        "`since` must be the number of a commit",
        "`since`는 커밋 번호여야 합니다",
    )
}

fn find_backups(state: &AppState) -> Result<Arc<Backups>, Problem> {
    state.settings.backups.clone().ok_or_else(Problem::not_found)
}

fn problem_of(refusal: &BackupRefusal) -> Problem {
    match refusal {
        BackupRefusal::Busy => Problem::new(
            "backup-running",
            "a backup is being made; only one is made at a time",
            "백업이 진행 중입니다. 한 번에 하나만 만들 수 있습니다",
        )
        .with_parameter("retry-after", "10".into()),
        BackupRefusal::NoSnapshots => Problem::new(
            "no-snapshots",
            refusal.to_string(),
            "저장소가 데이터베이스(`store.url`)입니다. `pg_dump` 같은 데이터베이스 도구로 백업해 주세요",
        ),
        BackupRefusal::NoDirectory => Problem::new(
            "no-backup-directory",
            "the server has no directory for backups: set `backup.directory`, or let one be sent (`holdfast backup`)",
            "백업 디렉터리가 없습니다. `backup.directory`를 설정하거나 `holdfast backup`으로 받아 주세요",
        ),
        BackupRefusal::UnknownCommit { since, accepted } => Problem::new(
            "unknown-commit",
            format!(
                "the store has {accepted} commits and no commit {since}: it was restored since, or is another one"
            ),
            format!(
                "저장소에는 커밋이 {accepted}개 있고 {since}번 커밋은 없습니다. 복원되었거나 다른 저장소입니다"
            ),
        ),
        BackupRefusal::Failed(error) => Problem::new(
            "backup-failed",
            format!("no backup was made: {error}"),
            format!("백업을 만들지 못했습니다: {error}"),
        ),
    }
}
