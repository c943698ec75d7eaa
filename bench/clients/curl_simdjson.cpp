// libcurl's multi interface and simdjson's On-Demand front end.

#include "clients/curl_crowd.hpp"
#include "clients/simdjson_answer.hpp"

int main(int argc, char** argv)
{
    using namespace regolo::bench;
    return run_job(argc, argv, run_curl<simdjson_answer>);
}
