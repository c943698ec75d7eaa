// Many streams at a time with this library; see clients/crowd.hpp.

#include "clients/crowd.hpp"
#include "clients/regolo_setup.hpp"

#include <regolo.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace regolo::bench {

namespace {

namespace asio = boost::asio;

class runner
{
public:
    explicit runner(const job& what)
        : crowd_(what.requests, what.concurrency),
          client_(io_, config_for(what, static_cast<std::size_t>(what.requests)))
    {}

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

}  // namespace

}  // namespace regolo::bench

int main(int argc, char** argv)
try
{
    using namespace regolo::bench;
    const auto what = parse_job(argc, argv);
    {
        // What a process has but once is no part of a stream.
        auto once = what;
        once.workload = "small";
        boost::asio::io_context io(1);
        const regolo::client client(io, config_for(once, 1));
        boost::asio::co_spawn(io, client.chat({"bench", "hello"}),
                              [&](const std::exception_ptr& failure, const auto&) {
                                  rethrow(failure);
                                  io.stop();
                              });
        io.run();
    }
    runner(what).run();
    return EXIT_SUCCESS;
}
catch (const std::exception& error)
{
    std::cerr << "error: " << error.what() << '\n';
    return EXIT_FAILURE;
}
