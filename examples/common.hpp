#pragma once

#include <regolo.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

namespace asio = boost::asio;

/// The model to ask, from the environment or a usual one.
inline std::string example_model()
{
    const char* model = std::getenv("REGOLO_MODEL");
    return model != nullptr && *model != '\0' ? model : "Llama-3.3-70B-Instruct";
}

/// Runs a coroutine as a whole program and returns its exit status: 1 where it threw.
inline int run(asio::awaitable<void> program)
{
    int status = 0;
    asio::io_context context;
    asio::co_spawn(context, std::move(program), [&status](std::exception_ptr failure) {
        if (!failure)
            return;
        status = 1;
        try
        {
            std::rethrow_exception(failure);
        }
        catch (const std::exception& e)
        {
            std::cerr << "error: " << e.what() << '\n';
        }
    });
    context.run();
    return status;
}
