// A conversation on the command line: a question per line, until the input ends. It has no
// coroutines and names nothing of Asio.

#include <regolo/background.hpp>

#include <exception>
#include <iostream>
#include <string>

int main()
try
{
    regolo::background api;  // a client and its thread; key and URL from the environment
    regolo::chat_request conversation("Llama-3.3-70B-Instruct");
    conversation.system("You are a guide. Answer in two sentences.");

    for (std::string question; std::cout << "> " << std::flush && std::getline(std::cin, question);)
    {
        if (question.empty())
            continue;
        conversation.user(question);
        try
        {
            auto job = api.stream_chat(conversation);
            while (auto chunk = job.next())  // waits for it
                std::cout << chunk->text() << std::flush;
            std::cout << '\n';
            conversation.add(job.partial().message());
        }
        catch (const regolo::error& e)
        {
            std::cerr << '\n' << e.what() << '\n';
            conversation.messages.pop_back();  // the question, which may be asked again
        }
    }
    std::cout << '\n' << conversation.messages.size() << " messages\n";
}
catch (const std::exception& e)
{
    std::cerr << "error: " << e.what() << '\n';
    return 1;
}
