//! What each extractor takes of a request, for the OpenAPI document.

use axum::extract::{Path, State};
use serde_json::json;
use utoipa::ToSchema;

use super::body::{FileForm, Json};
use super::extract::{Admin, Device, IdPath, IdempotencyKey, IdsPath, IfMatch, Info, Operator, SignedIn, Viewer};
use super::operation::{Body, Input, Lock, Needs, Shape};
use super::params::Params;

/// Nothing of the request that a client could leave out.
macro_rules! takes_nothing {
    ($($extractor:ty),+) => {
        $(impl Input for $extractor {
            fn describe(_: &mut Needs) {}
        })+
    };
}

macro_rules! locks {
    ($($extractor:ident),+) => {
        $(impl Input for $extractor {
            fn describe(needs: &mut Needs) {
                needs.lock = Lock::$extractor;
            }
        })+
    };
}

takes_nothing!(Info, Device);
locks!(SignedIn, Viewer, Admin, Operator);

impl<S> Input for State<S> {
    fn describe(_: &mut Needs) {}
}

/// Variables of the path are described from the path itself.
impl<T> Input for Path<T> {
    fn describe(_: &mut Needs) {}
}

impl<T> Input for IdPath<T> {
    fn describe(_: &mut Needs) {}
}

impl<A, B> Input for IdsPath<A, B> {
    fn describe(_: &mut Needs) {}
}

impl Input for Params {
    fn describe(needs: &mut Needs) {
        needs.query = true;
    }
}

impl Input for IfMatch {
    fn describe(needs: &mut Needs) {
        needs.if_match = true;
    }
}

impl Input for IdempotencyKey {
    fn describe(needs: &mut Needs) {
        needs.idempotency_key = true;
    }
}

impl<T: ToSchema> Input for Json<T> {
    fn describe(needs: &mut Needs) {
        needs.body = Some(Body::Json(Shape::of::<T>()));
    }
}

impl Input for FileForm {
    fn describe(needs: &mut Needs) {
        let file = json!({"type": "string", "contentMediaType": "text/csv", "description": "The file."});
        let mapping = json!({"type": "string", "contentMediaType": "application/json", "description": "The mapping, as JSON text."});
        let replace = json!({"type": "string", "enum": ["true", "false"]});
        needs.body = Some(Body::Form(json!({
            "type": "object",
            "properties": {"file": file, "mapping": mapping, "replace": replace},
            "required": ["file"],
            "additionalProperties": false,
        })));
    }
}
