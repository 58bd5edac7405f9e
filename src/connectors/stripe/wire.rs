//! Stripe's JSON, field by field: what is not asked for is ignored, and what has another type is named.

use rust_decimal::Decimal;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::connectors::error::ConnectorError;
use crate::connectors::sentences::codes;

/// An object of a stream.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    stream: &'static str,
    fields: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// `value`, which is an object of `stream`.
    pub fn of(stream: &'static str, value: &'a Value) -> Result<Self, ConnectorError> {
        let fields = value.as_object().ok_or_else(|| unfit(stream, "an entry", "an object"))?;
        Ok(Self { stream, fields })
    }

    /// The failure of a field that is not `wanted`.
    pub fn unfit(&self, field: &str, wanted: &str) -> ConnectorError {
        unfit(self.stream, field, wanted)
    }

    fn present(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    /// A text that must be there.
    pub fn text(&self, field: &str) -> Result<&'a str, ConnectorError> {
        self.optional_text(field)?.ok_or_else(|| self.unfit(field, "a text"))
    }

    /// A text that may be absent or null.
    pub fn optional_text(&self, field: &str) -> Result<Option<&'a str>, ConnectorError> {
        self.present(field).map(|value| value.as_str().ok_or_else(|| self.unfit(field, "a text"))).transpose()
    }

    /// An integer that must be there.
    pub fn integer(&self, field: &str) -> Result<i64, ConnectorError> {
        self.optional_integer(field)?.ok_or_else(|| self.unfit(field, "an integer"))
    }

    /// An integer that may be absent or null.
    pub fn optional_integer(&self, field: &str) -> Result<Option<i64>, ConnectorError> {
        self.present(field).map(|value| value.as_i64().ok_or_else(|| self.unfit(field, "an integer"))).transpose()
    }

    /// A number with decimals that may be absent or null.
    pub fn number(&self, field: &str) -> Result<Option<Decimal>, ConnectorError> {
        let read = |value: &Value| {
            let number = value.as_number().and_then(|number| number.to_string().parse().ok());
            number.ok_or_else(|| self.unfit(field, "a number"))
        };
        self.present(field).map(read).transpose()
    }

    /// Yes or no; absent is no.
    pub fn flag(&self, field: &str) -> Result<bool, ConnectorError> {
        let read = |value: &Value| value.as_bool().ok_or_else(|| self.unfit(field, "true or false"));
        self.present(field).map_or(Ok(false), read)
    }

    /// Whether the object is of real data; `None` where it does not say.
    pub fn livemode(&self) -> Result<Option<bool>, ConnectorError> {
        self.present("livemode").map(|_| self.flag("livemode")).transpose()
    }

    /// An object in a field that may be absent or null.
    pub fn optional_object(&self, field: &str) -> Result<Option<Self>, ConnectorError> {
        let read = |value: &'a Value| {
            let fields = value.as_object().ok_or_else(|| self.unfit(field, "an object"))?;
            Ok(Self { stream: self.stream, fields })
        };
        self.present(field).map(read).transpose()
    }

    /// An object that must be there.
    pub fn object(&self, field: &str) -> Result<Self, ConnectorError> {
        self.optional_object(field)?.ok_or_else(|| self.unfit(field, "an object"))
    }

    /// A field's entries; absent is none.
    pub fn entries(&self, field: &str) -> Result<&'a [Value], ConnectorError> {
        let read = |value: &'a Value| value.as_array().map(Vec::as_slice).ok_or_else(|| self.unfit(field, "a list"));
        self.present(field).map_or(Ok(&[]), read)
    }

    /// Whether a field holds anything.
    pub fn has(&self, field: &str) -> bool {
        self.present(field).is_some()
    }

    /// The object's id. It becomes part of addresses, so that it is held to what Stripe's ids are made of.
    pub fn id(&self) -> Result<&'a str, ConnectorError> {
        Some(self.text("id")?).filter(|id| is_id(id)).ok_or_else(|| self.unfit("id", "an id"))
    }

    /// A currency code, in upper case.
    pub fn currency(&self, field: &str) -> Result<String, ConnectorError> {
        let code = self.text(field)?;
        if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            Ok(code.to_ascii_uppercase())
        } else {
            Err(self.unfit(field, "a currency"))
        }
    }

    /// The instant of a field that holds Unix seconds.
    pub fn instant(&self, field: &str) -> Result<OffsetDateTime, ConnectorError> {
        OffsetDateTime::from_unix_timestamp(self.integer(field)?).map_err(|_| self.unfit(field, "an instant"))
    }
}

/// Whether a text is made of what Stripe's ids are made of.
pub fn is_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    /// The objects.
    pub data: Vec<Value>,
    /// There are older ones.
    pub has_more: bool,
}

impl Page {
    /// Reads a list of `stream`.
    pub fn of(stream: &'static str, mut value: Value) -> Result<Self, ConnectorError> {
        let has_more = Object::of(stream, &value)?.flag("has_more")?;
        match value.get_mut("data").map(Value::take) {
            Some(Value::Array(data)) => Ok(Self { data, has_more }),
            _ => Err(unfit(stream, "data", "a list")),
        }
    }
}

fn unfit(stream: &str, field: &str, wanted: &str) -> ConnectorError {
    ConnectorError::contract(codes::STRIPE_SHAPE, format!("{stream}: {field} is not {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wrong_type_is_told_with_stream_and_field_and_without_the_value() {
        let value = json!({"amount": 1.5, "id": "../v1/accounts", "currency": "euros", "created": i64::MAX, "ok": 1});
        let object = Object::of("charges", &value).unwrap();
        let causes = [
            object.integer("amount").unwrap_err(),
            object.id().unwrap_err(),
            object.currency("currency").unwrap_err(),
            object.instant("created").unwrap_err(),
            object.flag("ok").unwrap_err(),
            object.text("status").unwrap_err(),
        ]
        .map(|error| error.cause);
        assert_eq!(
            causes,
            [
                "charges: amount is not an integer",
                "charges: id is not an id",
                "charges: currency is not a currency",
                "charges: created is not an instant",
                "charges: ok is not true or false",
                "charges: status is not a text",
            ]
        );
    }

    #[test]
    fn an_amount_beyond_64_bits_is_no_amount() {
        let value: Value = serde_json::from_str(r#"{"amount": 9223372036854775808}"#).unwrap();
        assert!(Object::of("charges", &value).unwrap().integer("amount").is_err());
    }

    #[test]
    fn null_and_absent_are_the_same() {
        let value = json!({"a": null});
        let object = Object::of("charges", &value).unwrap();
        assert_eq!(object.optional_text("a").unwrap(), None);
        assert_eq!(object.optional_integer("b").unwrap(), None);
        assert_eq!(object.livemode().unwrap(), None);
        assert!(object.entries("c").unwrap().is_empty());
    }
}
