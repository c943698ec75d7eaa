// How often a chunk allocates once its stream is under way: calls of operator new, and OpenSSL's of its own. Counted from the
// 100th chunk of a stream to the 900th, over all streams.
//
//   regolo_bench_regolo_allocations BASE_URL bulk|trickle STREAMS recycled|fresh|observed
//
// `recycled` reads into the same chunk again, `fresh` takes each as a new one, `observed` is the first with an empty observer.

#include "clients/counting_new.hpp"
#include "clients/regolo_setup.hpp"

#include <regolo.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <openssl/crypto.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace {

std::uint64_t openssl_allocations = 0;  // one thread

void* allocate_for_openssl(std::size_t size, const char*, int)
{
    ++openssl_allocations;
    return std::malloc(size);
}

void* reallocate_for_openssl(void* place, std::size_t size, const char*, int)
{
    ++openssl_allocations;
    return std::realloc(place, size);
}

void free_for_openssl(void* place, const char*, int) { std::free(place); }

}  // namespace

namespace regolo::bench {

namespace {

namespace asio = boost::asio;

struct tally
{
    std::uint64_t chunks = 0;
    std::uint64_t own = 0;
    std::uint64_t openssl = 0;

    void begin()
    {
        own -= news;
        openssl -= openssl_allocations;
    }
    void end(int counted)
    {
        own += news;
        openssl += openssl_allocations;
        chunks += static_cast<std::uint64_t>(counted);
    }
};

constexpr int first_counted = 100;
constexpr int last_counted = 900;

asio::awaitable<void> read(const client& from, bool fresh, tally& all)
{
    auto stream = co_await from.stream_chat({"bench", "hello"});
    chat_chunk reused;
    for (int i = 0;; ++i)
    {
        if (i == first_counted)
            all.begin();
        if (i == last_counted)
            all.end(last_counted - first_counted);
        bool more = false;
        if (fresh)
        {
            const auto chunk = co_await stream.next();
            more = chunk.has_value();
        }
        else
        {
            more = co_await stream.next(reused);
        }
        if (!more)
            break;
    }
}

asio::awaitable<void> read_all(client_config config, long streams, bool fresh, tally& all)
{
    const client from(co_await asio::this_coro::executor, config);
    tally warm_up;
    co_await read(from, fresh, warm_up);
    for (long i = 0; i != streams; ++i)
        co_await read(from, fresh, all);
}

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
{
    using namespace regolo::bench;
    return run_program([&] {
        if (CRYPTO_set_mem_functions(allocate_for_openssl, reallocate_for_openssl,
                                     free_for_openssl) != 1)
            throw std::runtime_error("OpenSSL has allocated already");
        const auto what = parse_target(argc, argv, {"STREAMS", "HOW"});
        const std::string_view how = argv[4];
        auto config = config_for(what, 1);
        if (how == "observed")
            config.observer = std::make_shared<regolo::observer>();
        boost::asio::io_context io(1);
        tally all;
        run_to_end(io, read_all(std::move(config), std::atol(argv[3]), how == "fresh", all));
        const auto per_chunk = [&](std::uint64_t count) {
            return static_cast<double>(count) / static_cast<double>(all.chunks);
        };
        std::cout << "{\"chunks\":" << all.chunks
                  << ",\"allocations_per_chunk\":" << per_chunk(all.own)
                  << ",\"openssl_allocations_per_chunk\":" << per_chunk(all.openssl) << "}"
                  << std::endl;
    });
}
