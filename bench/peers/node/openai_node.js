// openai-node, as its README shows it, with undici as its "Fetch options" do.

import OpenAI from 'openai';
import { Agent, fetch } from 'undici';

const messages = [{ role: 'user', content: 'hello' }];
const streams = ['bulk', 'trickle', 'paced', 'tools'];

async function ask(client, workload, counts) {
    if (workload === 'embeddings') {
        const answer = await client.embeddings.create({
            model: 'bench',
            input: 'hello',
            encoding_format: 'float',
        });
        for (const each of answer.data) {
            counts.text_bytes += 4 * each.embedding.length;
        }
    } else if (streams.includes(workload)) {
        const stream = await client.chat.completions.create({
            model: 'bench',
            messages,
            stream: true,
        });
        for await (const chunk of stream) {
            ++counts.chunks;
            for (const choice of chunk.choices) {
                const delta = choice.delta;
                if (delta.content) {
                    counts.text_bytes += Buffer.byteLength(delta.content);
                }
                for (const call of delta.tool_calls ?? []) {
                    counts.text_bytes += Buffer.byteLength(call.function.arguments);
                }
            }
        }
    } else {
        const answer = await client.chat.completions.create({ model: 'bench', messages });
        for (const choice of answer.choices) {
            counts.text_bytes += Buffer.byteLength(choice.message.content);
        }
    }
    ++counts.requests;
}

function report(counts, wall, before) {
    const now = process.resourceUsage();
    const user = (now.userCPUTime - before.userCPUTime) / 1e6;
    const system = (now.systemCPUTime - before.systemCPUTime) / 1e6;
    // The kernel scales the two so that their sum is the process's CPU clock, which Node has no call for.
    const all = {
        ...counts,
        cpu: user + system,
        user,
        system,
        wall: (performance.now() - wall) / 1e3,
        rss_kib: now.maxRSS,
    };
    console.log(JSON.stringify(all));
}

const [baseURL, workload, requests, concurrency, warmUp] = process.argv.slice(2);
if (warmUp === undefined) {
    console.error('usage: PROGRAM BASE_URL WORKLOAD REQUESTS CONCURRENCY WARM_UP');
    process.exit(1);
}
const client = new OpenAI({
    baseURL: `${baseURL}/${workload}/v1`,
    apiKey: 'test-key',
    fetch,
    fetchOptions: {
        dispatcher: new Agent({
            connections: Number(concurrency),
            connect: { rejectUnauthorized: false },
        }),
    },
});

// Makes so many requests, CONCURRENCY of them at a time.
async function run(left) {
    const counts = { requests: 0, chunks: 0, text_bytes: 0 };
    const askOn = async () => {
        while (left > 0) {
            --left;
            await ask(client, workload, counts);
        }
    };
    await Promise.all(Array.from({ length: Number(concurrency) }, askOn));
    return counts;
}

await run(Number(warmUp));
const wall = performance.now();
const before = process.resourceUsage();
report(await run(Number(requests)), wall, before);
process.exit(0);
