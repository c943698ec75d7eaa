// regolo-server: the simulated API as a program, to try clients against without a key or a model.

#include <regolo/testing/test_server.hpp>

#include <boost/system/system_error.hpp>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>

namespace {

constexpr std::string_view usage =
    R"(regolo-server: a simulated OpenAI-compatible API on the loopback interface

  --port N          listen on port N (default: any free one)
  --tls             HTTPS with a throw-away certificate (default)
  --plain           HTTP
  --ipv6            listen on ::1 as well
  --ca-out FILE     write the CA certificate clients must trust to FILE (PEM)
  --port-file FILE  write the port to FILE once the server listens
  --pace N          tokens per second of each answer (default 40; 0: as fast as possible)
  --batch N         tokens per write (default 1)
  --key KEY         the key to accept (default: test-key); --key "" accepts any
  --idle MS         close connections idle for MS milliseconds (default: never)
  --help            show this

Prints its URL on one line when it listens, and serves until SIGTERM or SIGINT.
"count to 100" in a prompt orders a long answer, and the name of the model a failure, see <regolo/testing/simulation.hpp>:
  error-STATUS, error-STATUS-retry-after-SECONDS, error-STATUS-once, error-first-event-STATUS[-once],
  html-STATUS, budget-exceeded, error-mid-stream, cut-mid-stream, reset-mid-stream, stall-mid-stream,
  stall, no-done, no-finish, close-after
)";

struct settings
{
    regolo::testing::server_options server;
    std::string ca_file;
    std::string port_file;
    bool show_help = false;
};

template <class T>
T number(const std::string& option, const std::string& text)
{
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < T{})
        throw std::invalid_argument(option + " needs a number, not '" + text + "'");
    return value;
}

settings parse(int argc, char** argv)
{
    settings parsed;
    parsed.server.simulation.pace = 40;
    parsed.server.kept_requests = 0;
    for (int i = 1; i < argc; ++i)
    {
        const std::string option = argv[i];
        const auto value = [&]() -> std::string {
            if (++i == argc)
                throw std::invalid_argument(option + " needs a value");
            return argv[i];
        };
        if (option == "--help" || option == "-h")
            parsed.show_help = true;
        else if (option == "--tls" || option == "--plain")
            parsed.server.tls = option == "--tls";
        else if (option == "--ipv6")
            parsed.server.ipv6 = true;
        else if (option == "--port")
            parsed.server.port = number<std::uint16_t>(option, value());
        else if (option == "--pace")
            parsed.server.simulation.pace = number<double>(option, value());
        else if (option == "--batch")
            parsed.server.simulation.tokens_per_write = number<std::size_t>(option, value());
        else if (option == "--idle")
            parsed.server.idle_limit = std::chrono::milliseconds(number<int>(option, value()));
        else if (option == "--key")
            parsed.server.simulation.key = value();
        else if (option == "--ca-out")
            parsed.ca_file = value();
        else if (option == "--port-file")
            parsed.port_file = value();
        else
            throw std::invalid_argument("unknown option " + option + "; --help lists them");
    }
    return parsed;
}

/// Writes beside the file and renames, so that a reader who waits for it never sees half of it.
void write_file(const std::string& path, const std::string& content)
{
    if (path.empty())
        return;
    const auto draft = path + ".new";
    std::ofstream file(draft);
    file << content << std::flush;
    if (!file || std::rename(draft.c_str(), path.c_str()) != 0)
        throw std::runtime_error("cannot write " + path);
}

void allow_many_connections()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const settings& wanted)
{
    // Blocked before the server's thread starts, which inherits the mask: sigwait() gets them.
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    allow_many_connections();

    // Whoever waits for it is not to find that of a server before us.
    if (!wanted.port_file.empty())
        std::remove(wanted.port_file.c_str());
    const regolo::testing::test_server server(wanted.server);
    write_file(wanted.ca_file, server.ca_pem());
    write_file(wanted.port_file, std::to_string(server.port()) + '\n');
    std::cout << server.url() << std::endl;
    int signal = 0;
    sigwait(&ends, &signal);
    return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv)
{
    try
    {
        const auto wanted = parse(argc, argv);
        if (!wanted.show_help)
            return serve(wanted);
        std::cout << usage;
        return EXIT_SUCCESS;
    }
    catch (const boost::system::system_error& error)
    {
        std::cerr << "regolo-server: cannot listen (--port chooses another one): "
                  << error.code().message() << '\n';
        return EXIT_FAILURE;
    }
    catch (const std::exception& error)
    {
        std::cerr << "regolo-server: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
