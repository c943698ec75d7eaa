// libcurl's multi interface and Boost.JSON.

#include "clients/boost_json_answer.hpp"
#include "clients/curl_crowd.hpp"

int main(int argc, char** argv)
{
    using namespace regolo::bench;
    return run_job(argc, argv, run_curl<boost_json_answer>);
}
