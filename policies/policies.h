#pragma once

/// The front door of policies/.
#include "policies/policy.h"
