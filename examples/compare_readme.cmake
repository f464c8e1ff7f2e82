# The example in README (the code block marked cpp) is the text of EXAMPLE, to the letter.
file(READ ${README} readme)
file(READ ${EXAMPLE} example)
string(FIND "${readme}" "```cpp\n${example}```" at)
if(at EQUAL -1)
  message(FATAL_ERROR "README.md: its C++ example is not the text of ${EXAMPLE}; copy the file there.")
endif()
