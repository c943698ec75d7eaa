# cmake -D CXX=... -D FLAGS=... -D SOURCE=... -D EXPECTED=regex -P compile_fail.cmake

cmake_minimum_required(VERSION 3.24)

execute_process(COMMAND ${CXX} ${FLAGS} ${SOURCE} RESULT_VARIABLE status ERROR_VARIABLE text)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "without the misuse it must compile, but:\n${text}")
endif()

execute_process(COMMAND ${CXX} ${FLAGS} -DREGOLO_MISUSE ${SOURCE}
    RESULT_VARIABLE status ERROR_VARIABLE text)
if(status EQUAL 0)
    message(FATAL_ERROR "the misuse compiles")
endif()
if(NOT text MATCHES "${EXPECTED}")
    message(FATAL_ERROR "it fails, but for another reason than \"${EXPECTED}\":\n${text}")
endif()
