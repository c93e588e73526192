//! Writes values and documents that something else has parsed.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::PayloadError;
use super::write::Writer;

/// Writes a value. The limit of depth bounds the recursion.
pub(super) fn write_value(writer: &mut Writer, value: &Value) -> Result<(), PayloadError> {
    match value {
        Value::Null => writer.verbatim("null"),
        Value::Bool(true) => writer.verbatim("true"),
        Value::Bool(false) => writer.verbatim("false"),
        Value::Number(number) => writer.number(number),
        Value::String(text) => writer.string(text)?,
        Value::Array(items) => {
            writer.open(false)?;
            items.iter().try_for_each(|item| write_value(writer, item))?;
            writer.close()?;
        }
        Value::Object(map) => {
            writer.open(true)?;
            for (key, value) in map {
                writer.key(key)?;
                write_value(writer, value)?;
            }
            writer.close()?;
        }
    }
    Ok(())
}

/// Writes whatever a deserializer gives. The limit of depth bounds the recursion.
pub(super) fn write_from<'de, D: Deserializer<'de>>(
    writer: &mut Writer,
    deserializer: D,
) -> Result<(), D::Error> {
    deserializer.deserialize_any(Into { writer })
}

struct Into<'w> {
    writer: &'w mut Writer,
}

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        write_from(self.writer, deserializer)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.writer.verbatim(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.writer.number(&value.into());
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.writer.number(&value.into());
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.writer.float(value).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.writer.string(value).map_err(E::custom)
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.writer.verbatim("null");
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        write_from(self.writer, deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        write_from(self.writer, deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.writer.open(false).map_err(A::Error::custom)?;
        while items.next_element_seed(Into { writer: self.writer })?.is_some() {}
        self.writer.close().map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.writer.open(true).map_err(A::Error::custom)?;
        while let Some(key) = entries.next_key::<std::borrow::Cow<'_, str>>()? {
            self.writer.key(&key).map_err(A::Error::custom)?;
            entries.next_value_seed(Into { writer: self.writer })?;
        }
        self.writer.close().map_err(A::Error::custom)
    }
}
