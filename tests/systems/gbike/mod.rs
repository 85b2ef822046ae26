//! gbike (자전거 대여) over HTTP, as its customers and admins see it.

mod money;
mod races;
mod rules;
mod station;
mod unavailable;
