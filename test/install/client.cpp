// Makes a client and asks it what it would send: everything but the network.

#include <regolo.hpp>

#include <boost/asio/io_context.hpp>

#include <iostream>

int main()
{
    boost::asio::io_context context;
    regolo::client_config config;
    config.base_url = "http://127.0.0.1:1";
    regolo::client client(context.get_executor(), config);

    regolo::chat_request request("model", "Hello");
    const auto preview = client.preview(request);
    std::cout << preview.to_curl() << '\n';
    return preview.method == "POST" && client.stats().connections == 0 ? 0 : 1;
}
