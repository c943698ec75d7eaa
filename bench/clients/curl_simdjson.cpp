// libcurl's multi interface and simdjson's On-Demand front end.

#include "clients/curl_crowd.hpp"
#include "clients/simdjson_answer.hpp"

int main(int argc, char** argv)
try
{
    using namespace regolo::bench;
    run_curl<simdjson_answer>(parse_job(argc, argv));
    return EXIT_SUCCESS;
}
catch (const std::exception& error)
{
    std::cerr << "error: " << error.what() << '\n';
    return EXIT_FAILURE;
}
