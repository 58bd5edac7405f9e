//! STAND-IN, to be deleted when the parts are joined: the parts that other people write, with their signatures, so that
//! the host can be built and tried without them. `parts.rs` is the only file that names it.

#![expect(
    clippy::unused_async,
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "signatures of others"
)]

/// In place of the crate `local-postgres`.
pub mod local_postgres {
    use std::path::{Path, PathBuf};

    pub struct Options {
        pub dir: PathBuf,
        pub fast: bool,
    }

    pub struct Cluster(PathBuf);

    impl Cluster {
        pub async fn start(options: &Options) -> std::io::Result<Self> {
            Ok(Self(options.dir.join(if options.fast { "fast" } else { "safe" })))
        }

        pub fn choice(&self) -> &str {
            self.0.to_str().unwrap_or_default()
        }

        pub async fn prepare_database(&self, _name: &str) -> std::io::Result<()> {
            Ok(())
        }

        pub fn url(&self, role: &str, database: &str) -> String {
            format!("postgres://{role}@127.0.0.1:1/{database}")
        }

        pub async fn stop(self) -> std::io::Result<()> {
            Ok(())
        }

        pub fn home_for(data: &Path) -> PathBuf {
            data.join("postgres")
        }
    }

    pub fn remove(_dir: &Path) -> std::io::Result<()> {
        Ok(())
    }
}

/// In place of the crate `portal`: a handler that answers every request with `{}`.
pub mod portal {
    use std::process::ExitCode;

    use axum::Router;
    use axum::routing::any;

    pub mod setup {
        pub async fn migrate(_owner_url: &str) -> std::io::Result<()> {
            Ok(())
        }

        pub async fn seed_demo_people(_operator_url: &str) -> std::io::Result<()> {
            Ok(())
        }
    }

    pub fn handler_main() -> ExitCode {
        let answer = || async { ([("content-type", "application/json")], "{}") };
        let serve = async {
            let port = std::env::var("FUNCTIONS_CUSTOMHANDLER_PORT")
                .ok()?
                .parse::<u16>()
                .ok()?;
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.ok()?;
            println!("{{\"level\":\"INFO\",\"fields\":{{\"message\":\"stand-in handler\",\"port\":{port}}}}}");
            axum::serve(listener, Router::new().fallback(any(answer))).await.ok()
        };
        let Ok(runtime) = tokio::runtime::Runtime::new() else {
            return ExitCode::FAILURE;
        };
        runtime
            .block_on(serve)
            .map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
    }
}

/// In place of `local/sandbox`.
pub mod sandbox {
    use std::path::PathBuf;

    #[expect(dead_code, reason = "the stand-in reads nothing of it")]
    pub struct Config {
        pub clock_file: PathBuf,
        pub client_id: String,
        pub client_secret: String,
        pub redirect_uri: String,
        pub state_file: PathBuf,
        pub seed: u64,
    }

    pub struct Sandbox;

    impl Sandbox {
        pub fn url(&self) -> String {
            "http://127.0.0.1:1".to_owned()
        }
    }

    pub async fn start(_config: Config) -> std::io::Result<Sandbox> {
        Ok(Sandbox)
    }
}

/// In place of `local/src/demo.rs`.
pub mod demo {
    use std::path::PathBuf;

    #[expect(dead_code, reason = "the stand-in reads nothing of it")]
    pub struct Target {
        pub base_url: String,
        pub sandbox_url: String,
        pub csv_path: PathBuf,
        pub password: String,
    }

    pub async fn load(_target: &Target) -> std::io::Result<()> {
        Ok(())
    }
}
