//! Time as a value: it is handed in, never looked up.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, fmt, str::FromStr};

/// A moment in microseconds since 1970 UTC. RFC 3339 in what people read, an integer in what is stored.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment that many microseconds after the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }
    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }
    /// The minute that this moment is in.
    pub const fn to_minute(self) -> Self {
        const MINUTE: i64 = 60_000_000;
        Self(self.0.saturating_sub(self.0.rem_euclid(MINUTE)))
    }
    /// This moment moved by `micros`, held at the ends of the range.
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }
    /// This moment so many hours later, held at the end of the range.
    pub const fn plus_hours(self, hours: u32) -> Self {
        self.plus_micros(hours as i64 * 3_600_000_000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Timestamp {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<jiff::Timestamp>().map(|timestamp| Self(timestamp.as_microsecond()))
    }
}
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}
impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// A moment as people write it: with its offset from UTC, or a date alone, which means that day wherever they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrTime {
    /// A moment.
    Moment(Timestamp),
    /// A day.
    Day(jiff::civil::Date),
}

impl DateOrTime {
    /// When it begins: a day at 00:00.
    pub fn starts(self, zone: &Zone) -> Timestamp {
        match self {
            Self::Moment(moment) => moment,
            Self::Day(day) => zone.midnight(day),
        }
    }
    /// When it ends: a day at 24:00.
    pub fn ends(self, zone: &Zone) -> Timestamp {
        match self {
            Self::Moment(moment) => moment,
            Self::Day(day) => zone.midnight(day.tomorrow().unwrap_or(day)),
        }
    }
    /// The day that it is, or on which it is.
    pub fn day(self, zone: &Zone) -> jiff::civil::Date {
        match self {
            Self::Moment(moment) => {
                let moment = jiff::Timestamp::from_microsecond(moment.micros()).unwrap_or_default();
                zone.0.to_datetime(moment).date()
            }
            Self::Day(day) => day,
        }
    }
}

impl fmt::Display for DateOrTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moment(moment) => moment.fmt(f),
            Self::Day(day) => day.fmt(f),
        }
    }
}
impl FromStr for DateOrTime {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        // A date with a time and no offset is read as a date as well, and would lose its time.
        match text.parse().map(Self::Moment) {
            Err(_) if text.len() <= "+002021-07-06".len() && !text.contains(':') => {
                text.parse().map(Self::Day)
            }
            moment => moment,
        }
    }
}
impl Serialize for DateOrTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for DateOrTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| D::Error::custom(NotATime(text)))
    }
}

/// A text that is neither a time nor a date, in English or, in its alternate form, in Korean.
struct NotATime(String);

impl fmt::Display for NotATime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.0.chars().take(40).collect();
        let example = "2021-07-06T19:00:00+09:00";
        if f.alternate() {
            write!(f, "`{shown}`은(는) {example} 같은 시각도, 2021-07-06 같은 날짜도 아닙니다")
        } else {
            write!(
                f,
                "`{shown}` is neither a time, such as {example}, nor a date, such as 2021-07-06"
            )
        }
    }
}
impl JsonSchema for DateOrTime {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Written".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "A time with its offset from UTC, or a date alone, which means that day in the configured zone",
        })
    }
}

/// Where people are: what they mean by a day. Seoul by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(jiff::tz::TimeZone);

impl Default for Zone {
    fn default() -> Self {
        // Seoul has been nine hours ahead, summer and winter, since 1988.
        Self(jiff::tz::TimeZone::fixed(jiff::tz::offset(9)))
    }
}
impl Zone {
    /// The zone itself.
    pub fn as_time_zone(&self) -> &jiff::tz::TimeZone {
        &self.0
    }
    /// The name of a zone that is an offset alone: `UTC+9`.
    fn offset_name(&self) -> String {
        let seconds = self.0.to_fixed_offset().map_or(0, jiff::tz::Offset::seconds);
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.unsigned_abs() / 60;
        match minutes % 60 {
            0 => format!("UTC{sign}{}", minutes / 60),
            rest => format!("UTC{sign}{}:{rest:02}", minutes / 60),
        }
    }
    fn midnight(&self, day: jiff::civil::Date) -> Timestamp {
        let moment = self.0.to_timestamp(day.to_datetime(jiff::civil::Time::midnight()));
        Timestamp(moment.map_or(i64::MAX, jiff::Timestamp::as_microsecond))
    }
}
impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.iana_name() {
            Some(name) => serializer.serialize_str(name),
            None => serializer.serialize_str(&self.offset_name()),
        }
    }
}
impl JsonSchema for Zone {
    fn schema_name() -> Cow<'static, str> {
        "Zone".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "x-expected": "a time zone such as `Asia/Seoul` or `UTC+9`" })
    }
}
impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let zone = fixed_zone(&name).or_else(|| jiff::tz::TimeZone::get(&name).ok());
        zone.map(Self).ok_or_else(|| {
            D::Error::custom(format!("`{name}` is not a time zone such as Asia/Seoul"))
        })
    }
}

/// The zone that `UTC+9` or `UTC-3:30` names.
fn fixed_zone(name: &str) -> Option<jiff::tz::TimeZone> {
    let offset = name.strip_prefix("UTC")?;
    let (sign, offset) = match offset.split_at_checked(1)? {
        ("+", offset) => (1, offset),
        ("-", offset) => (-1, offset),
        _ => return None,
    };
    let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "0"));
    let within =
        |text: &str, most: i32| text.parse().ok().filter(|number| (0..=most).contains(number));
    let seconds = (within(hours, 14)? * 60 + within(minutes, 59)?) * 60;
    jiff::tz::Offset::from_seconds(sign * seconds).ok().map(jiff::tz::TimeZone::fixed)
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Timestamp {
    /// The day of the week in `zone`.
    pub fn weekday(self, zone: &Zone) -> Weekday {
        let moment = jiff::Timestamp::from_microsecond(self.0).unwrap_or_default();
        match zone.0.to_datetime(moment).weekday() {
            jiff::civil::Weekday::Monday => Weekday::Monday,
            jiff::civil::Weekday::Tuesday => Weekday::Tuesday,
            jiff::civil::Weekday::Wednesday => Weekday::Wednesday,
            jiff::civil::Weekday::Thursday => Weekday::Thursday,
            jiff::civil::Weekday::Friday => Weekday::Friday,
            jiff::civil::Weekday::Saturday => Weekday::Saturday,
            jiff::civil::Weekday::Sunday => Weekday::Sunday,
        }
    }
}
