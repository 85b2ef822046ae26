//! Member: a user with a telephone. The client chooses the number.

use crate::domain::prelude::*;

/// The user with this number.
#[entity(context = "carshare.member", reads = owner, collection = "members", korean = "회원", generic,
    id(user_id: Id<Member>), owner = id)]
pub struct Member {
    #[exists]
    phone: String,
}

#[command]
pub enum Command {
    Join(NewUser),
}

#[event]
pub enum Event {
    Joined { user_id: Id<Member>, phone: String },
}

impl Aggregate for Member {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        let Command::Join(NewUser { phone, .. }) = command;
        if self.phone == phone { ignore() } else { emit(Event::Joined { user_id: this.id, phone }) }
    }

    fn evolve(&mut self, Event::Joined { phone, .. }: &Event) {
        self.phone.clone_from(phone);
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Customer, |it: NewUser| (Target::Chosen(it.user_id), Command::Join(it)));
    }
}

/// `POST /members`
#[body]
pub struct NewUser {
    pub user_id: Id<Member>,
    pub phone: String,
}
