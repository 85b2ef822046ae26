//! What nodes ask the one that keeps the API keys and sessions of all.

use crate::{
    api::{self, Problem},
    credentials::{
        KeyAnswer, KeyQuestion, LINGER, LoginError, NewSession, SessionAnswer, SessionError,
        SessionQuestion,
    },
    domain::lenient::BadBody,
    http::{
        call::{Call, Reply},
        handlers::{
            body,
            login::{problem_of, problem_of_session},
        },
    },
};
use actix_web::{HttpResponse, http::header::CACHE_CONTROL, web::Query};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::Duration;

/// The body of a question.
async fn read_question<T: DeserializeOwned>(call: Call<'_>) -> Result<T, Problem> {
    let Call { request, payload, state, .. } = call;
    api::check_coding(request)?;
    let bytes = body::read_body(request, payload, &state.settings).await?;
    let value = api::parse_json(&bytes, state.settings.json_depth)?;
    serde_json::from_value(value).map_err(|error| {
        let en = format!("no question of a node: {error}");
        Problem::bad_body(BadBody::new("", en, "노드의 질문 형식이 아닙니다"))
    })
}

fn answer(with: impl Serialize) -> Reply {
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(with))
}

/// `POST /internal/identity`: who the holder of a key is that this node keeps, for another node to which it was shown.
pub async fn find_key_holder(call: Call<'_>) -> Reply {
    let state = call.state;
    let keys = state.settings.keys.as_ref().ok_or_else(Problem::not_found)?;
    let question: KeyQuestion = read_question(call).await?;
    let found: KeyAnswer = question.answer(keys.find(&question.id).as_ref(), keys.now());
    answer(found)
}

/// `POST /internal/sessions/holder`: whose a session is that this node keeps.
pub async fn find_session_holder(call: Call<'_>) -> Reply {
    let state = call.state;
    let SessionQuestion { digest, is_glance } = read_question(call).await?;
    let Some(sessions) = &state.settings.sessions else {
        return answer(SessionAnswer { holder: None });
    };
    let found = if is_glance {
        sessions.own().peek(digest)
    } else {
        let found = sessions.own().find(digest).await;
        found.map_err(|error| problem_of_session(SessionError::Store(error)))?
    };
    answer(SessionAnswer { holder: found.map(Into::into) })
}

/// `POST /internal/sessions`: begins a session of a browser that has signed in at another node.
pub async fn begin_session(call: Call<'_>) -> Reply {
    let state = call.state;
    let session: NewSession = read_question(call).await?;
    let login = state.settings.login.as_ref().ok_or_else(|| {
        problem_of(LoginError::Invalid("the node that keeps the sessions has no `auth.login`"))
    })?;
    login.begin_for_node(session).await.map_err(|error| match error {
        LoginError::Session(SessionError::Taken) => problem_of(LoginError::Unknown),
        error => problem_of(error),
    })?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /internal/sessions/end`: ends a session.
pub async fn end_session(call: Call<'_>) -> Reply {
    let state = call.state;
    let SessionQuestion { digest, .. } = read_question(call).await?;
    if let Some(sessions) = &state.settings.sessions {
        let ended = sessions.own().end(digest).await;
        ended.map_err(|error| problem_of_session(SessionError::Store(error)))?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /internal/ended`: the keys and sessions that have ended since a place.
pub async fn read_ended(call: Call<'_>) -> Reply {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Wanted {
        /// Where the last answer ended.
        after: String,
        /// How long to wait for something, in milliseconds.
        linger: u64,
    }
    let state = call.state;
    let wanted = Query::<Wanted>::from_query(call.request.query_string());
    let Wanted { after, linger } = wanted.map(Query::into_inner).unwrap_or_default();
    let log = &state.settings.ended;
    let waiting = tokio::time::timeout(Duration::from_millis(linger).min(LINGER), log.wait(&after));
    // Nodes that wait must not keep the server from stopping.
    futures_util::future::select(Box::pin(waiting), Box::pin(state.wait_drained())).await;
    answer(log.read(&after))
}
