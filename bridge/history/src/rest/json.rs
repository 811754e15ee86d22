//! Answers read without believing more of them than is used: an unknown field or column may be any valid JSON.
//!
//! What is not used is skipped as text: numbers of any length, lone surrogates, deep values. Used numbers are
//! taken from their digits, whether the venue sends them as text or bare.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of an object, in their order.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, [u8]>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Reads an object; `None` for anything else.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(key, _)| **key == *name.as_bytes());
        found.map(|(_, raw)| raw.get())
    }

    /// Names that are text, and values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().filter_map(|(key, raw)| Some((std::str::from_utf8(key).ok()?, raw.get())))
    }
}

/// A name as bytes: one that is not Unicode belongs to a field that nobody uses.
struct Name<'a>(Cow<'a, [u8]>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(bytes)))
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(bytes.to_vec())))
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text.as_bytes())))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.as_bytes().to_vec())))
            }
        }
        from.deserialize_bytes(Bytes)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut fields = Vec::new();
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &RawValue>()? {
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(All)
    }
}

/// The elements of an array; `None` for anything else.
pub(super) fn elements(text: &str) -> Option<Vec<&str>> {
    let all: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    Some(all.into_iter().map(RawValue::get).collect())
}

/// A text, or a number as it is written.
pub(super) fn word(raw: &str) -> &str {
    raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw)
}

/// The errors of an answer: a list of texts, one text, or none.
pub(super) fn errors(raw: Option<&str>) -> Vec<String> {
    let raw = raw.unwrap_or("null");
    let listed = elements(raw).unwrap_or_else(|| if raw == "null" { vec![] } else { vec![raw] });
    let text = |raw: &str| serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned());
    listed.into_iter().map(text).filter(|error: &String| !error.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_used_may_be_any_valid_json() {
        let text = r#"{"\ud83d":1e999,"deep":[[{"a":[]}]],"long":123456789012345678901234567890,
            "lone":"\udc00","used":"1.50","bare":1.50}"#;
        let fields = Fields::of(text).unwrap();
        assert_eq!(fields.get("used").map(word), Some("1.50"));
        assert_eq!(fields.get("bare").map(word), Some("1.50"));
        assert_eq!(fields.get("lone"), Some(r#""\udc00""#));
        assert_eq!(fields.get("none"), None);
        assert!(Fields::of("[1]").is_none() && Fields::of("{\"a\":}").is_none());
        assert_eq!(elements(r#"["1",{"x":1e9999},"\ud800"]"#).unwrap().len(), 3);
    }

    #[test]
    fn errors_come_as_a_list_a_text_or_not_at_all() {
        let check = |raw: Option<&str>, expected: &[&str]| assert_eq!(errors(raw), expected);
        check(None, &[]);
        check(Some("null"), &[]);
        check(Some("[]"), &[]);
        check(Some(r#"["EService:Busy","EGeneral:x"]"#), &["EService:Busy", "EGeneral:x"]);
        check(Some(r#""EService:Busy""#), &["EService:Busy"]);
        check(Some(r#"{"code":7}"#), &[r#"{"code":7}"#]);
    }
}
