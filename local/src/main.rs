//! The sandbox upstreams and the demo loader on their own.

mod demo;
#[path = "../sandbox/mod.rs"]
mod sandbox;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = std::path::PathBuf::from(arguments.next().unwrap_or_else(|| ".portal".into()));
    let base_url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:7071".into());
    let sandbox = sandbox::start(sandbox::Config {
        clock_file: folder.join("clock"),
        client_id: "portal-local.apps.googleusercontent.example".into(),
        client_secret: "sandbox-client-secret".into(),
        redirect_uri: format!("{base_url}/api/oauth/callback"),
        state_file: folder.join("sandbox.json"),
        seed: 7,
    })
    .await?;
    println!("sandbox on {}", sandbox.url());
    if let Some(password) = arguments.next() {
        let target = demo::Target {
            base_url,
            sandbox_url: sandbox.url(),
            csv_path: "local/demo/seattle-weather.csv".into(),
            password,
            progress: Box::new(|line| println!("{line}")),
        };
        demo::load(&target).await?;
    }
    tokio::signal::ctrl_c().await?;
    Ok(())
}
