// Many streams at a time with this library; see clients/crowd.hpp.

#include "clients/crowd.hpp"
#include "clients/regolo_setup.hpp"

#include <regolo.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace regolo::bench {

namespace {

namespace asio = boost::asio;

client_config config_for_crowd(const crowd_job& what)
{
    auto config = config_for(what, static_cast<std::size_t>(what.size));
    config.time.connect = std::chrono::minutes(2);  // so many handshakes at once take their time
    return config;
}

class runner
{
public:
    explicit runner(const crowd_job& what) : crowd_(what), client_(io_, config_for_crowd(what)) {}

    void run()
    {
        crowd_.begin();
        open_more();
        io_.run();
        crowd_.report();
    }

private:
    void open_more()
    {
        for (auto left = crowd_.openings(); left > 0; --left)
            asio::co_spawn(io_, read_one(), rethrow);
    }

    asio::awaitable<void> read_one()
    {
        auto stream = co_await client_.stream_chat({"bench", "hello"});
        chat_chunk chunk;
        bool more = co_await stream.next(chunk);
        crowd_.opened();
        open_more();
        while (more && !crowd_.over())
        {
            more = co_await stream.next(chunk);
            crowd_.take(chunk.text());
        }
        if (!more)
            throw std::runtime_error("a stream has ended");
        io_.stop();
    }

    crowd crowd_;
    asio::io_context io_{1};
    const client client_;
};

void warm_up(const target& what)
{
    asio::io_context io(1);
    const client once(io, config_for(what, 1));
    run_to_end(io, once.chat({"bench", "hello"}));
}

void run(const crowd_job& what) { runner(what).run(); }

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
{
    using namespace regolo::bench;
    return run_crowd(argc, argv, warm_up, run);
}
