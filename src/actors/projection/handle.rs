//! What only the handle of a view does.

use super::view::ViewMail;
use crate::{
    actors::{
        actor::handle::{ContextHandle, DoneSender, HandlePart},
        port::{
            context::{CommandRequest, Outcome},
            fault::{CommandFault, Fault, ROUTE},
            health::ParkedId,
        },
    },
    domain::Refusal,
};
use futures_util::{FutureExt, future::BoxFuture};

/// What only the handle of a view does.
pub struct ViewPart;

impl HandlePart for ViewPart {
    type Mail = ViewMail;
    const IS_VIEW: bool = true;

    fn execute_command(
        _: &ContextHandle<Self>,
        _: CommandRequest,
    ) -> BoxFuture<'static, Result<Outcome, CommandFault>> {
        std::future::ready(Err(Refusal::absent(ROUTE).into())).boxed()
    }
    fn rebuild_view(handle: &ContextHandle<Self>) -> BoxFuture<'static, Result<(), Fault>> {
        // Both tables exist until the new one is complete.
        if handle.context_status().store.is_full() {
            return std::future::ready(Err(Fault::DiskFull)).boxed();
        }
        handle.send_by_operator(ViewMail::Rebuild)
    }
    fn settle_parked(parked: ParkedId, redrive: bool, done: DoneSender) -> ViewMail {
        ViewMail::Unpark { parked, redrive, done }
    }
}
