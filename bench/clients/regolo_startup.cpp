// What it takes to begin: the first client of a process with its default TLS options, the second one, and the first answer.
//
//   regolo_bench_regolo_startup BASE_URL WORKLOAD

#include "clients/regolo_setup.hpp"

#include <regolo.hpp>

#include <boost/asio/io_context.hpp>

namespace {

using clock_type = std::chrono::steady_clock;

double microseconds_since(clock_type::time_point began)
{
    return std::chrono::duration<double, std::micro>(clock_type::now() - began).count();
}

}  // namespace

int main(int argc, char** argv)
{
    using namespace regolo::bench;
    return run_program([&] {
        const auto what = parse_target(argc, argv, {});
        boost::asio::io_context io(1);
        const regolo::client_config defaults(regolo::credential("test-key"));

        auto began = clock_type::now();
        const regolo::client first(io, defaults);
        const auto first_client = microseconds_since(began);

        began = clock_type::now();
        const regolo::client second(io, defaults);
        const auto second_client = microseconds_since(began);

        // The server's certificate is a throw-away one, which the defaults refuse.
        began = clock_type::now();
        const regolo::client asking(io, config_for(what, 1));
        run_to_end(io, asking.chat({"bench", "hello"}));
        std::cout << "{\"first_client_us\":" << first_client
                  << ",\"second_client_us\":" << second_client
                  << ",\"first_answer_us\":" << microseconds_since(began) << "}" << std::endl;
    });
}
