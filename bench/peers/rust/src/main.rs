//! async-openai, as its README and examples/chat-stream show it.

use std::error::Error;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Instant;

use async_openai::config::OpenAIConfig;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequest,
    CreateChatCompletionRequestArgs,
};
use async_openai::types::embeddings::CreateEmbeddingRequestArgs;
use async_openai::Client;
use futures::StreamExt;

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Default)]
struct Counts {
    requests: AtomicUsize,
    chunks: AtomicUsize,
    text_bytes: AtomicUsize,
}

fn chat_request() -> Result<CreateChatCompletionRequest, Failure> {
    Ok(CreateChatCompletionRequestArgs::default()
        .model("bench")
        .messages([ChatCompletionRequestUserMessageArgs::default()
            .content("hello")
            .build()?
            .into()])
        .build()?)
}

async fn ask(client: &Client<OpenAIConfig>, workload: &str, into: &Counts) -> Result<(), Failure> {
    let mut chunks = 0;
    let mut text_bytes = 0;
    match workload {
        "embeddings" => {
            let request = CreateEmbeddingRequestArgs::default()
                .model("bench")
                .input("hello")
                .build()?;
            for each in client.embeddings().create(request).await?.data {
                text_bytes += 4 * each.embedding.len();
            }
        }
        "bulk" | "trickle" | "paced" | "tools" => {
            let mut stream = client.chat().create_stream(chat_request()?).await?;
            while let Some(chunk) = stream.next().await {
                chunks += 1;
                for choice in chunk?.choices {
                    text_bytes += choice.delta.content.map_or(0, |text| text.len());
                    for call in choice.delta.tool_calls.unwrap_or_default() {
                        text_bytes += call
                            .function
                            .and_then(|function| function.arguments)
                            .map_or(0, |arguments| arguments.len());
                    }
                }
            }
        }
        _ => {
            for choice in client.chat().create(chat_request()?).await?.choices {
                text_bytes += choice.message.content.map_or(0, |text| text.len());
            }
        }
    }
    into.requests.fetch_add(1, Ordering::Relaxed);
    into.chunks.fetch_add(chunks, Ordering::Relaxed);
    into.text_bytes.fetch_add(text_bytes, Ordering::Relaxed);
    Ok(())
}

/// Makes the requests, so many of them at a time.
async fn run(
    client: &Client<OpenAIConfig>,
    workload: &str,
    requests: i64,
    concurrency: usize,
) -> Result<Counts, Failure> {
    let counts = Arc::new(Counts::default());
    let left = Arc::new(AtomicI64::new(requests));
    let callers: Vec<_> = (0..concurrency)
        .map(|_| {
            let (client, workload) = (client.clone(), workload.to_owned());
            let (counts, left) = (counts.clone(), left.clone());
            tokio::spawn(async move {
                while left.fetch_sub(1, Ordering::Relaxed) > 0 {
                    ask(&client, &workload, &counts).await?;
                }
                Ok::<(), Failure>(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(Arc::into_inner(counts).ok_or("a caller is left")?)
}

fn cpu() -> f64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut now) };
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

fn usage() -> libc::rusage {
    unsafe {
        let mut now = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut now);
        now
    }
}

fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 / 1e6
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base_url, workload, requests, concurrency, warm_up] = arguments.as_slice() else {
        return Err("usage: PROGRAM BASE_URL WORKLOAD REQUESTS CONCURRENCY WARM_UP".into());
    };
    let concurrency: usize = concurrency.parse()?;
    let client = Client::with_config(
        OpenAIConfig::new()
            .with_api_base(format!("{base_url}/{workload}/v1"))
            .with_api_key("test-key"),
    )
    .with_http_client(
        reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .pool_max_idle_per_host(concurrency)
            .build()?,
    );
    run(&client, workload, warm_up.parse()?, concurrency).await?;

    let (wall, cpu_before, before) = (Instant::now(), cpu(), usage());
    let counts = run(&client, workload, requests.parse()?, concurrency).await?;
    let (used, now) = (cpu() - cpu_before, usage());
    println!(
        "{}",
        serde_json::json!({
            "requests": counts.requests.into_inner(),
            "chunks": counts.chunks.into_inner(),
            "text_bytes": counts.text_bytes.into_inner(),
            "cpu": used,
            "user": seconds(now.ru_utime) - seconds(before.ru_utime),
            "system": seconds(now.ru_stime) - seconds(before.ru_stime),
            "wall": wall.elapsed().as_secs_f64(),
            "rss_kib": now.ru_maxrss,
        })
    );
    Ok(())
}
