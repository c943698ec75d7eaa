// Uses the parser on its own, as a program without Asio would.

#include <regolo/chat_accumulator.hpp>
#include <regolo/sse_parser.hpp>
#include <regolo/version.hpp>

#include <iostream>

int main()
{
    regolo::sse_parser parser;
    parser.push("data: one\n\ndata: two\n\n");
    int events = 0;
    while (parser.pull())
        ++events;

    regolo::chat_accumulator answer;
    std::cout << "regolo " << regolo::version() << ": " << events << " events\n";
    return events == 2 && !answer.finished() ? 0 : 1;
}
