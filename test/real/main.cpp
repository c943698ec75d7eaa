// Runs the tests against the server that the environment names, and prints a line for each of them.
//
//   REGOLO_BASE_URL, REGOLO_API_KEY, REGOLO_MODEL, SSL_CERT_FILE   as for any program
//   REGOLO_REAL_SERVER                                             what to call it
//   REGOLO_REAL_LACKS                                              a file of what it cannot do, and why

#include "real/server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace regolo::test {

namespace {

std::string variable(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

/// Lines of "capability: reason".
std::map<std::string, std::string> read_lacks(const std::string& path)
{
    std::map<std::string, std::string> lacks;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
    {
        if (const auto colon = line.find(": "); colon != std::string::npos)
            lacks[line.substr(0, colon)] = line.substr(colon + 2);
    }
    return lacks;
}

const std::map<std::string, std::string>& lacks()
{
    static const auto lacks = read_lacks(variable("REGOLO_REAL_LACKS"));
    return lacks;
}

class printer : public ::testing::EmptyTestEventListener
{
    void OnTestPartResult(const ::testing::TestPartResult& result) override
    {
        if (result.skipped())
            reason_ = result.message();
        else if (result.failed() && result.file_name() == nullptr)  // an exception
            std::cout << result.message() << '\n';
        else if (result.failed())
            std::cout << result.file_name() << ':' << result.line_number() << ": "
                      << result.message() << '\n';
    }

    void OnTestEnd(const ::testing::TestInfo& test) override
    {
        const auto& result = *test.result();
        std::cout << (result.Skipped()  ? "skipped  "
                      : result.Passed() ? "passed   "
                                        : "FAILED   ")
                  << test.test_suite_name() << '.' << test.name();
        if (result.Skipped())
            std::cout << ": " << reason_;
        else
            std::cout << " (" << result.elapsed_time() << " ms)";
        std::cout << std::endl;
    }

    void OnTestProgramEnd(const ::testing::UnitTest& all) override
    {
        std::cout << variable("REGOLO_REAL_SERVER") << ": " << all.successful_test_count()
                  << " passed, " << all.failed_test_count() << " failed, "
                  << all.skipped_test_count() << " skipped\n";
    }

    std::string reason_;
};

}  // namespace

std::string why_not(std::string_view capability)
{
    const auto in = [capability](const auto& list) {
        return std::find(std::begin(list), std::end(list), capability) != std::end(list);
    };
    if (!in(chat_capabilities) && !in(other_capabilities))
        throw std::logic_error("no capability \"" + std::string(capability) + "\" is known");
    auto found = lacks().find(std::string(capability));
    if (found == lacks().end() && in(chat_capabilities))
        found = lacks().find("chat");
    return found == lacks().end() ? "" : found->second;
}

}  // namespace regolo::test

int main(int argc, char** argv)
{
    using namespace regolo::test;
    ::testing::InitGoogleTest(&argc, argv);
    if (variable("REGOLO_BASE_URL").empty())
    {
        std::cerr << "REGOLO_BASE_URL names no server; scripts/test_real.sh starts some\n";
        return 2;
    }
    try
    {
        for (const auto& [capability, reason] : lacks())
            why_not(capability);
    }
    catch (const std::logic_error& e)
    {
        std::cerr << e.what() << '\n';
        return 2;
    }
    auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new printer);
    return RUN_ALL_TESTS();
}
