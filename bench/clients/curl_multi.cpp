// libcurl's multi interface and Boost.JSON.

#include "clients/boost_json_answer.hpp"
#include "clients/curl_crowd.hpp"

int main(int argc, char** argv)
try
{
    using namespace regolo::bench;
    run_curl<boost_json_answer>(parse_job(argc, argv));
    return EXIT_SUCCESS;
}
catch (const std::exception& error)
{
    std::cerr << "error: " << error.what() << '\n';
    return EXIT_FAILURE;
}
