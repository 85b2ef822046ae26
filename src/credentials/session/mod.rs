//! Sessions of browsers: who has signed in at an OpenID provider, known again by a cookie.

mod cookie;
mod login;
mod pending_login;
mod session_id;
mod session_inquiry;
mod session_store;
mod sessions;

pub use cookie::{CookieNames, find_cookie};
pub use login::{Login, LoginAnswer, LoginError, LoginSettings};
pub use session_id::SessionDigest;
pub use session_inquiry::{
    AskSessions, NewSession, NotBegun, SessionAnswer, SessionInquiry, SessionQuestion,
};
pub use session_store::{SessionError, SessionStore};
pub use sessions::Sessions;
