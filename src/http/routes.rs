//! A router that knows its own routes, so that a test can hold them against the bindings.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};

use super::operation::{Inputs, Operation};
use super::state::AppState;

/// Routes of one function or of all of them.
#[derive(Default)]
pub struct Routes {
    router: Router<AppState>,
    declared: Vec<(Method, &'static str)>,
    operations: Vec<Operation>,
}

impl Routes {
    /// No route yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route that the OpenAPI document describes: by what is said of it and by what its handler takes.
    #[must_use]
    pub fn route<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: Inputs + 'static,
    {
        self = self.on(operation.method.clone(), operation.path, handler);
        self.operations.push(Operation { needs: T::needs(), ..operation });
        self
    }

    /// Adds a route for one method that the document does not describe: a function's own, which no browser reaches.
    #[must_use]
    pub fn on<H, T>(mut self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::OPTIONS);
        self.router = self.router.route(path, on(filter, handler));
        self.declared.push((method, path));
        self
    }

    /// Adds a GET route.
    #[must_use]
    pub fn get<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.on(Method::GET, path, handler)
    }

    /// Adds a POST route.
    #[must_use]
    pub fn post<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.on(Method::POST, path, handler)
    }

    /// Takes in the routes of another function.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.declared.extend(other.declared);
        self.operations.extend(other.operations);
        self
    }

    /// Every method and path.
    pub fn declared(&self) -> &[(Method, &'static str)] {
        &self.declared
    }

    /// What the document describes.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The axum router.
    pub fn into_router(self) -> Router<AppState> {
        self.router
    }
}
