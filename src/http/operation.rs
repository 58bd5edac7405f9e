//! What a route is called, takes and answers. Said where the route is declared; `openapi` makes the document of it.

use axum::http::{Method, StatusCode};
use serde_json::Value;
use utoipa::ToSchema;

use super::query::Param;

/// A schema with those that it refers to.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Its name among the components.
    pub name: String,
    /// The schema itself.
    pub schema: Value,
    /// What it refers to.
    pub others: Vec<(String, Value)>,
}

impl Shape {
    /// The schema of a type.
    pub fn of<T: ToSchema>() -> Self {
        let mut others = Vec::new();
        T::schemas(&mut others);
        let json = |schema| serde_json::to_value(schema).unwrap_or_default();
        Self {
            name: T::name().into_owned(),
            schema: json(T::schema()),
            others: others.into_iter().map(|(name, schema)| (name, json(schema))).collect(),
        }
    }
}

/// What comes in a body.
#[derive(Debug, Clone)]
pub enum Body {
    /// JSON of this shape.
    Json(Shape),
    /// A form with a file, and the form's schema.
    Form(Value),
}

/// Who a handler itself lets in: the second lock behind the written matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Lock {
    /// Everybody.
    #[default]
    Anyone,
    /// Everybody with a session.
    SignedIn,
    /// Members of a tenant.
    Viewer,
    /// Admins of a tenant.
    Admin,
    /// Operators.
    Operator,
}

/// What a handler takes, told by the types of its arguments.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Who is let in.
    pub lock: Lock,
    /// The body.
    pub body: Option<Body>,
    /// Query parameters are read, all others refused.
    pub query: bool,
    /// Takes the header `If-Match`.
    pub if_match: bool,
    /// Takes the header `Idempotency-Key`.
    pub idempotency_key: bool,
}

/// One kind of success.
#[derive(Debug, Clone)]
pub struct Success {
    /// Its status.
    pub status: StatusCode,
    /// What it holds: several shapes when it is one of them.
    pub content: Content,
    /// Headers that it has, besides those of every answer.
    pub headers: Vec<&'static str>,
}

/// What a success holds.
#[derive(Debug, Clone)]
pub enum Content {
    /// Nothing.
    Empty,
    /// JSON of one of these shapes.
    Json(Vec<Shape>),
    /// Another media type.
    Other(&'static str),
}

/// A refusal that is this route's own.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Its status.
    pub status: u16,
    /// The problem's codes.
    pub codes: &'static [&'static str],
    /// Members that the problem has besides the usual ones.
    pub members: Option<Shape>,
}

/// A route and what is known of it.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The path, with its variables in braces.
    pub path: &'static str,
    /// A name that no other operation has.
    pub id: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Its query parameters.
    pub query: Vec<Param>,
    /// What its handler takes; filled in by `Routes::route`.
    pub needs: Needs,
    /// How it succeeds.
    pub successes: Vec<Success>,
    /// How it fails besides what every route of its kind may answer.
    pub failures: Vec<Failure>,
}

impl Operation {
    /// An operation that answers nothing yet.
    pub fn new(method: Method, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            query: Vec::new(),
            needs: Needs::default(),
            successes: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Takes these query parameters.
    #[must_use]
    pub fn query(mut self, params: impl IntoIterator<Item = Param>) -> Self {
        self.query.extend(params);
        self
    }

    /// Answers JSON; said twice with the same status, one of both.
    #[must_use]
    pub fn gives<T: ToSchema>(mut self, status: StatusCode) -> Self {
        let shape = Shape::of::<T>();
        let same = self.successes.iter_mut().find(|success| success.status == status);
        if let Some(Success { content: Content::Json(shapes), .. }) = same {
            shapes.push(shape);
            return self;
        }
        self.success(status, Content::Json(vec![shape]))
    }

    /// Answers 200 with JSON.
    #[must_use]
    pub fn ok<T: ToSchema>(self) -> Self {
        self.gives::<T>(StatusCode::OK)
    }

    /// Answers without a body.
    #[must_use]
    pub fn empty(self, status: StatusCode) -> Self {
        self.success(status, Content::Empty)
    }

    /// Answers 200 with another media type than JSON.
    #[must_use]
    pub fn media(self, kind: &'static str) -> Self {
        self.success(StatusCode::OK, Content::Other(kind))
    }

    fn success(mut self, status: StatusCode, content: Content) -> Self {
        self.successes.push(Success { status, content, headers: Vec::new() });
        self
    }

    /// The success said last has this header.
    #[must_use]
    pub fn with(mut self, header: &'static str) -> Self {
        if let Some(success) = self.successes.last_mut() {
            success.headers.push(header);
        }
        self
    }

    /// May fail with one of these codes. What every route of its kind may answer need not be said: 401 and 403 of those
    /// with a session, 404 with a variable in the path, 400, 413, 415 and 422 with a body, 422 with a query, 412 with
    /// `If-Match`, 500 and 503.
    #[must_use]
    pub fn fails(mut self, status: u16, codes: &'static [&'static str]) -> Self {
        self.failures.push(Failure { status, codes, members: None });
        self
    }

    /// May fail with this code and further members.
    #[must_use]
    pub fn fails_with<T: ToSchema>(mut self, status: u16, codes: &'static [&'static str]) -> Self {
        self.failures.push(Failure { status, codes, members: Some(Shape::of::<T>()) });
        self
    }

    /// May ask to wait: 429 `throttled`.
    #[must_use]
    pub fn throttled(self) -> Self {
        self.fails(429, &["throttled"])
    }
}

/// A GET.
pub fn get(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::GET, path, id, summary)
}

/// A POST.
pub fn post(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::POST, path, id, summary)
}

/// A PATCH.
pub fn patch(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::PATCH, path, id, summary)
}

/// A DELETE.
pub fn delete(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::DELETE, path, id, summary)
}

/// An extractor that says what it takes of a request.
pub trait Input {
    /// Adds what it takes.
    fn describe(needs: &mut Needs);
}

/// The arguments of a handler.
pub trait Inputs {
    /// What all of them take.
    fn needs() -> Needs;
}

impl Inputs for ((),) {
    fn needs() -> Needs {
        Needs::default()
    }
}

/// axum's type of a handler's arguments: a marker, then each argument.
macro_rules! inputs {
    ($($argument:ident)+) => {
        impl<M, $($argument: Input),+> Inputs for (M, $($argument,)+) {
            fn needs() -> Needs {
                let mut needs = Needs::default();
                $($argument::describe(&mut needs);)+
                needs
            }
        }
    };
}

inputs!(A);
inputs!(A B);
inputs!(A B C);
inputs!(A B C D);
inputs!(A B C D E);
inputs!(A B C D E F);
