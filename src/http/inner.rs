//! Requests that the server sends to itself: pages ask by the same routes, and are judged in the same way, as clients are.

use crate::{
    http::{
        middleware::rate::ChargedAlready,
        state::{AppState, Port},
    },
    pages::BackendReply,
};
use actix_http::Request;
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::{
    App, Handler, HttpMessage, HttpRequest, HttpResponse, body, dev::AppConfig,
    http::header::HeaderMap, web,
};
use futures_util::{FutureExt, future::LocalBoxFuture};
use std::rc::Rc;

/// The largest answer that a page takes.
const LARGEST: usize = 8 << 20;

/// Answers requests as the listener would, without a connection.
#[derive(Clone)]
pub struct InnerServer(Rc<dyn Fn(Request) -> LocalBoxFuture<'static, BackendReply>>);

impl InnerServer {
    /// That of the requests which `port` takes; `handler` answers all of them.
    pub fn new<H>(state: &web::Data<AppState>, port: Port, handler: H) -> Self
    where
        H: Handler<(HttpRequest, web::Payload, web::Data<AppState>), Output = HttpResponse> + Clone,
    {
        let state = state.clone();
        Self(Rc::new(move |request| {
            let app = App::new().app_data(state.clone()).app_data(port);
            let app = app.default_service(web::to(handler.clone()));
            async move {
                // What a page asks was counted with the page.
                request.extensions_mut().insert(ChargedAlready);
                let Ok(service) = app.into_factory().new_service(AppConfig::default()).await else {
                    return BackendReply { status: 500, ..BackendReply::default() };
                };
                match service.call(request).await {
                    Ok(response) => read_reply(response.into_parts().1).await,
                    Err(error) => read_reply(error.error_response()).await,
                }
            }
            .boxed_local()
        }))
    }

    /// The answer to `request`.
    pub async fn answer(&self, request: Request) -> BackendReply {
        (self.0)(request).await
    }
}

async fn read_reply(response: HttpResponse<impl body::MessageBody>) -> BackendReply {
    let status = response.status().as_u16();
    let headers = texts_of(response.headers());
    match body::to_bytes_limited(response.into_body(), LARGEST).await {
        Ok(Ok(bytes)) => BackendReply { status, headers, body: bytes.to_vec() },
        _ => BackendReply { status: 502, headers, body: Vec::new() },
    }
}

fn texts_of(headers: &HeaderMap) -> Vec<(String, String)> {
    let texts = headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    texts.collect()
}
